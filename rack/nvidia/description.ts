/** What the simulated tools of a node answer from. */

/** One GPU; the fields of `GpuSpec` in rack/nodes/types.ts, and what some tiers add. */
export interface DescribedGpu {
  name: string;
  uuid: string;
  pciBusId: string;
  pciId: string;
  memoryMiB: number;
  computeCapability: string;
  powerLimitWatts: number;
  maxPowerLimitWatts: number;
  /** Default 100. */
  minPowerLimitWatts?: number;
  eccSupported: boolean;
  /** ECC as shipped: data-centre cards have it on. Default Disabled. */
  eccDefault?: "Enabled" | "Disabled";
  migSupported: boolean;
  /** NVLink connections of this GPU; default 0. */
  nvLinks?: number;
}

/**
 * JSON for fw_cfg `opt/racksmith/gpus` or /etc/racksmith-sim/gpus.json. The node reads it with bash, so `name` comes first in
 * each GPU and no string may hold a quote, a brace, a bracket or a comma.
 */
export function gpuDescription(gpus: readonly DescribedGpu[], options: { nvSwitches?: number } = {}): string {
  for (const gpu of gpus)
    for (const [key, value] of Object.entries(gpu))
      if (/["{}[\],\\]/.test(String(value)))
        throw new Error(`GPU description: ${key}: ${value}: has a reserved character`);
  const ordered = gpus.map(({ name, ...rest }) => ({ name, ...rest }));
  return `${JSON.stringify({ simulated: true, nvSwitches: options.nvSwitches ?? 0, gpus: ordered }, null, 2)}\n`;
}
