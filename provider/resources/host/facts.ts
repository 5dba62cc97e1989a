import { z } from "zod";

const signature = z.object({
  device: z.string(),
  /** libblkid's name: `ext4`, `linux_raid_member`, `LVM2_member`, `crypto_LUKS`, `gpt`, `dos`. */
  type: z.string(),
  uuid: z.string(),
  label: z.string(),
});

const disk = z.object({
  name: z.string(),
  path: z.string(),
  byId: z.string(),
  serial: z.string(),
  model: z.string(),
  sizeBytes: z.number(),
  rotational: z.boolean(),
  transport: z.string(),
  mounts: z.array(z.string()),
  signatures: z.array(signature),
});
export type Disk = z.output<typeof disk>;

/** What host/observe.sh prints. */
export const hostFacts = z.object({
  os: z.string(),
  osName: z.string(),
  kernel: z.string(),
  arch: z.string(),
  secureBoot: z.enum(["enabled", "disabled", "absent"]),
  cpuModel: z.string(),
  cpuThreads: z.number(),
  memoryMiB: z.number(),
  /** Never more than what was asked for, so that it does not change with every log line. */
  rootFreeMiB: z.number(),
  /** racksmith has deployed something here before. */
  managed: z.boolean(),
  disks: z.array(disk),
  nics: z.array(
    z.object({
      name: z.string(),
      mac: z.string(),
      speedMbps: z.number().nullable(),
      driver: z.string(),
      rdma: z.boolean(),
    }),
  ),
  pciGpus: z.array(z.object({ bus: z.string(), deviceId: z.string(), model: z.string() })),
  nvswitches: z.number(),
  /** The rack's description of its simulated GPUs, JSON; "" on metal. */
  simulatedGpus: z.string(),
  /** `BUS, NAME, MiB` lines of nvidia-smi; empty without a working driver. */
  driverGpus: z.array(z.string()),
  nvlinks: z.number(),
  vendor: z.string(),
  product: z.string(),
  iommu: z.boolean(),
  bmc: z.boolean(),
  powerSupplies: z.array(z.string()),
  ports: z.array(
    z.object({ port: z.number(), address: z.string(), process: z.string(), holder: z.string() }),
  ),
  user: z.string(),
});
export type HostFacts = z.output<typeof hostFacts>;
