import { z } from "zod";
import { type Exported, resourcesOf } from "./state.ts";

const outputs = z.object({
  hosts: z.record(z.string(), z.looseObject({ keptOnDestroy: z.array(z.string()) })),
});

/** What a destroy leaves on the hosts, one line each, as the stack itself says. Read before: after it the state is empty. */
export function keptByDestroy(state: Exported): string[] {
  const root = resourcesOf(state).find(({ type }) => type === "pulumi:pulumi:Stack");
  const parsed = outputs.safeParse(root?.outputs);
  if (!parsed.success) return [];
  return Object.entries(parsed.data.hosts).flatMap(([host, { keptOnDestroy }]) =>
    keptOnDestroy.map((what) => `${host}: ${what}`),
  );
}
