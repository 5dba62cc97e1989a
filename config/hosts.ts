import { z } from "zod";
import { connectionSchema } from "./connection.ts";
import { isMapping, type Mapping } from "./merge.ts";
import { sectionNames } from "./sections.ts";
import { tierName } from "./tier.ts";

/** What stands beside the connection in an entry of `racksmith:hosts`. */
export const hostOwn = z.strictObject({
  tier: tierName.optional().describe("this host's tier, when it is not the stack's"),
});

export const connectionKeys: readonly string[] = Object.keys(connectionSchema.shape);

/** Every key an entry of `racksmith:hosts` may have: its connection, its tier, its own values for any section. */
export const hostKeys: readonly string[] = [
  ...connectionKeys,
  ...Object.keys(hostOwn.shape),
  ...sectionNames,
];

/** An entry of `racksmith:hosts` by what its keys mean. */
export function splitHost(entry: Mapping): { connection: Mapping; overrides: Mapping; unknown: string[] } {
  const pick = (wanted: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(entry).filter(([key]) => wanted(key)));
  return {
    connection: pick((key) => connectionKeys.includes(key)),
    overrides: pick((key) => sectionNames.includes(key)),
    unknown: Object.keys(entry).filter((key) => !hostKeys.includes(key)),
  };
}

/** The list of hosts as far as it can be read; anything else is for the caller to report. */
export function hostEntries(raw: unknown): Mapping[] {
  return Array.isArray(raw) ? raw.filter(isMapping) : [];
}
