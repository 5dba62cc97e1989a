import pc from "picocolors";
import { z } from "zod";
import { say } from "../progress.ts";
import { ask, type Stack } from "./pulumi.ts";

/** What `index.ts` exports a host; more than the endpoint is printed as it is. */
const outputsSchema = z.looseObject({
  hosts: z.record(z.string(), z.looseObject({ endpoint: z.string().optional() })).optional(),
});

/** Endpoints by host name; a host that serves nothing has none. */
export type Endpoints = Record<string, string>;

/** Reads the stack's outputs; secret ones read "[secret]". */
export async function readEndpoints(stack: Stack): Promise<Endpoints> {
  const outputs = outputsSchema.parse(JSON.parse(await ask(stack, ["stack", "output", "--json"])));
  return Object.fromEntries(
    Object.entries(outputs.hosts ?? {}).flatMap(([host, { endpoint }]) =>
      endpoint ? [[host, endpoint]] : [],
    ),
  );
}

/** Prints where each host answers. */
export function printEndpoints(endpoints: Endpoints): void {
  for (const [host, endpoint] of Object.entries(endpoints)) say(`  ${pc.bold(host)}  ${endpoint}`);
}
