import { z } from "zod";
import { accessConfig } from "./access.ts";
import { baselineConfig } from "./baseline.ts";
import { dockerConfig } from "./docker.ts";
import { driverConfig } from "./driver.ts";
import { filesConfig } from "./files.ts";
import { hooksConfig } from "./hooks.ts";
import { hostConfig } from "./host.ts";
import { inferenceConfig } from "./inference.ts";
import { monitoringConfig } from "./monitoring.ts";
import { raidConfig } from "./raid.ts";
import { vaultConfig } from "./vault.ts";
import { weightsConfig } from "./weights.ts";

/** The sections of a stack's configuration, `racksmith:NAME`, in the order in which they are deployed. */
export const sections = {
  host: hostConfig,
  baseline: baselineConfig,
  driver: driverConfig,
  raid: raidConfig,
  vault: vaultConfig,
  weights: weightsConfig,
  docker: dockerConfig,
  inference: inferenceConfig,
  access: accessConfig,
  files: filesConfig,
  monitoring: monitoringConfig,
  hooks: hooksConfig,
} as const;

export type SectionName = keyof typeof sections;
export type Sections = { [K in SectionName]: z.output<(typeof sections)[K]> };

/** The same as strings, for looking keys up. */
export const sectionNames: readonly string[] = Object.keys(sections);

export function isSectionName(name: string): name is SectionName {
  return Object.hasOwn(sections, name);
}

/** What a section is when nobody writes anything about it. */
export function emptySection(name: SectionName): unknown {
  return sections[name] instanceof z.ZodArray ? [] : {};
}
