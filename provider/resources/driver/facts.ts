import { z } from "zod";

const unit = z.string();

const installedPackage = z.object({
  name: z.string(),
  version: z.string(),
  state: z.enum(["installed", "broken"]),
  held: z.boolean(),
});
export type InstalledPackage = z.output<typeof installedPackage>;

/** What driver/observe.sh prints. */
export const driverFacts = z.object({
  os: z.string(),
  osName: z.string(),
  kernel: z.string(),
  arch: z.string(),
  pciGpus: z.array(z.object({ bus: z.string(), deviceId: z.string(), model: z.string() })),
  nvswitches: z.number(),
  simulatedGpus: z.string(),
  packages: z.array(installedPackage),
  /** Version of the running module; "" for none. */
  loaded: z.string(),
  loadedKind: z.enum(["open", "proprietary", ""]),
  /** Why nvidia-smi does not answer; "" where it does or is not there. */
  smiError: z.string(),
  /** A CSV line of nvidia-smi for each card: see settings.ts. */
  gpus: z.array(z.string()),
  pinFile: z.string(),
  sourceFile: z.string(),
  keyFile: z.string(),
  settingsUnit: z.string(),
  nvidia_persistenced: unit,
  nvidia_fabricmanager: unit,
  nvidia_dcgm: unit,
  racksmith_gpu: unit,
});
export type DriverFacts = z.output<typeof driverFacts>;
