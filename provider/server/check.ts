import type { z } from "zod";
import { connectionSchema } from "../../config/connection.ts";
import type { AnyNoun } from "../any-noun.ts";
import { UNKNOWN, Unknown, type WireObject } from "./codec.ts";
import type { CheckFailure } from "./handlers.ts";
import { type Path, plain, rewrap, sealed } from "./plain.ts";

type Issue = z.core.$ZodIssue;

export interface Checked {
  /** With defaults filled in and secrets sealed. */
  inputs: WireObject;
  failures: CheckFailure[];
}

/** Every problem of a resource's inputs at once. A part that is not known yet passes, and is checked again later. */
export function check(noun: AnyNoun, news: WireObject): Checked {
  const { props, unknown } = plain(news);
  const schema = noun.inputs.strict().safeExtend({ connection: connectionSchema });
  const parsed = schema.safeParse(props);
  const issues = parsed.success
    ? []
    : parsed.error.issues.filter((issue) => !concernsUnknown(issue, unknown));
  const filled = parsed.success ? parsed.data : withDefaults(schema, props, unknown);
  const names = [...noun.secrets];
  return { inputs: sealed(asObject(rewrap(filled, news)), names), failures: issues.flatMap(failuresOf) };
}

/** Property by property, as the whole cannot be parsed while parts of it are unknown. */
function withDefaults(
  schema: z.ZodObject,
  props: Record<string, unknown>,
  unknown: readonly Path[],
): Record<string, unknown> {
  const filled: Record<string, unknown> = { ...props };
  for (const [key, field] of Object.entries(schema.shape)) {
    if (unknown.some(([first]) => first === key)) continue;
    const parsed = safely(field, props[key]);
    if (parsed?.success && parsed.data !== undefined) filled[key] = parsed.data;
  }
  return filled;
}

function safely(field: z.core.$ZodType, value: unknown): { success: boolean; data?: unknown } | undefined {
  return "safeParse" in field && typeof field.safeParse === "function" ? field.safeParse(value) : undefined;
}

/** A problem at, below, or (for unions and rules over several parts) above an unknown part is none yet. */
function concernsUnknown(issue: Issue, unknown: readonly Path[]): boolean {
  const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  const wide = issue.code === "invalid_union" || issue.code === "custom";
  return unknown.some(
    (where) => startsWith(path, where) || (wide && startsWith(where, path)) || valueIsUnknown(issue.input),
  );
}

function valueIsUnknown(value: unknown): boolean {
  return value === UNKNOWN || value instanceof Unknown;
}

function startsWith(path: Path, beginning: Path): boolean {
  return beginning.every((part, index) => path[index] === part);
}

function failuresOf(issue: Issue): CheckFailure[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      property: printed([...issue.path, key]),
      reason: "there is no such input",
    }));
  }
  return [{ property: printed(issue.path), reason: issue.message }];
}

/** `files[2].path` */
function printed(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}.${String(part)}`,
    "",
  );
}

function asObject(wire: unknown): WireObject {
  return wire as WireObject;
}
