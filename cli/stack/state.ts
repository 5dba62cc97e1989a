import { z } from "zod";
import { CliError } from "../errors.ts";

const resource = z.looseObject({
  urn: z.string(),
  type: z.string(),
  id: z.string().optional(),
  provider: z.string().optional(),
  parent: z.string().optional(),
  deletedWith: z.string().optional(),
  dependencies: z.array(z.string()).nullish(),
  propertyDependencies: z.record(z.string(), z.array(z.string()).nullable()).nullish(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
});
const pendingOperation = z.looseObject({ type: z.string(), resource });
const exported = z.looseObject({
  version: z.number(),
  deployment: z.looseObject({
    resources: z.array(resource).nullish(),
    pending_operations: z.array(pendingOperation).nullish(),
  }),
});

export type Exported = z.infer<typeof exported>;
export type StateResource = z.infer<typeof resource>;
export type PendingOperation = z.infer<typeof pendingOperation>;

/** Reads what `pulumi stack export` printed; what it does not name is kept as it is. */
export function parseExport(text: string): Exported {
  const parsed = exported.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new CliError(
    `pulumi stack export: not in the form that is known here:\n${z.prettifyError(parsed.error)}`,
  );
}

export const resourcesOf = (state: Exported): StateResource[] => state.deployment.resources ?? [];
export const pendingOf = (state: Exported): PendingOperation[] => state.deployment.pending_operations ?? [];

/** The same state with nothing pending. */
export function withoutPending(state: Exported): Exported {
  const { pending_operations: _dropped, ...deployment } = state.deployment;
  return { ...state, deployment };
}

/** The last part of an URN: the name a person gave. */
export function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}
