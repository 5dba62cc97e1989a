import { z } from "zod";

/** The hardware tiers, as the source articles name them. */
export const tierName = z
  .enum(["entry-4090", "a100-pair", "h100-8"])
  .describe("the hardware tier: defaults for every section, and what the host is checked against");

export type TierName = z.output<typeof tierName>;
export const TIER_NAMES: readonly TierName[] = tierName.options;
