import type { z } from "zod";
import type { EngineLog } from "../../../provider/server/engine.ts";
import type { CheckFailure, PropertyDiffKind, ResourceRequest } from "../../../provider/server/handlers.ts";

/** Properties as plain values. */
export type Fields = Record<string, unknown>;

export interface Context {
  log: EngineLog;
  /** The provider's configuration, as `Configure` gave it. */
  config: Fields;
  request: ResourceRequest;
}

/** One resource of an offline plugin. `I` is its inputs after defaults. */
export interface PluginResource<I> {
  inputs: z.ZodType<I>;
  /** Properties whose change makes it another thing. */
  replaces(property: string): boolean;
  /** Properties whose order means nothing. */
  unordered?: ReadonlySet<string>;
  deleteBeforeReplace?: boolean;
  /** Outputs that a preview cannot know. */
  unknownInPreview: readonly string[];
  /** Paths of inputs and outputs that are always secret. */
  secrets?: readonly string[];
  create(inputs: I, context: Context): Promise<{ id: string; outputs: Fields }>;
  /** `undefined` when it is gone. */
  read(id: string, known: Fields, context: Context): Promise<{ id: string; outputs: Fields } | undefined>;
  update(id: string, inputs: I, known: Fields, context: Context): Promise<Fields>;
  delete(id: string, known: Fields, context: Context): Promise<void>;
}

/** Every problem of the inputs, with the property path as the engine writes it. */
export function checkFailures(error: z.ZodError): CheckFailure[] {
  return error.issues.map((issue) => ({
    property: issue.path.reduce<string>(
      (path, part) =>
        typeof part === "number" ? `${path}[${part}]` : path ? `${path}.${String(part)}` : String(part),
      "",
    ),
    reason: issue.message,
  }));
}

/** What differs between the wanted inputs and what was last read of the thing. */
export function diffInputs(
  resource: Pick<PluginResource<unknown>, "replaces" | "unordered">,
  wanted: Fields,
  found: Fields,
  oldInputs: Fields,
): Record<string, PropertyDiffKind> {
  const changes: Record<string, PropertyDiffKind> = {};
  const note = (property: string, kind: "add" | "update" | "delete") => {
    changes[property] = resource.replaces(property) ? `${kind}-replace` : kind;
  };
  for (const [property, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    const unordered = resource.unordered?.has(property) ?? false;
    if (!(property in found)) note(property, "add");
    else if (canonical(value, unordered) !== canonical(found[property], unordered)) note(property, "update");
  }
  for (const property of Object.keys(oldInputs))
    if (wanted[property] === undefined && oldInputs[property] !== undefined) note(property, "delete");
  return changes;
}

function canonical(value: unknown, unordered: boolean): string {
  if (Array.isArray(value)) {
    const parts = value.map((part) => canonical(part, unordered));
    return JSON.stringify(unordered ? parts.toSorted() : parts);
  }
  if (typeof value === "object" && value !== null) {
    const parts = Object.entries(value)
      // The engine's answers name every part; a wanted object names only those that matter.
      .filter(
        ([, part]) => part !== undefined && part !== null && !(Array.isArray(part) && part.length === 0),
      )
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, canonical(part, unordered)]);
    return JSON.stringify(parts);
  }
  return JSON.stringify(value) ?? "undefined";
}
