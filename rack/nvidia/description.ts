import type { GpuSpec } from "../nodes/types.ts";

/**
 * JSON for fw_cfg `opt/racksmith/gpus` or /etc/racksmith-sim/gpus.json. The node reads it with bash, so `name` comes first in
 * each GPU and no string may hold a quote, a brace, a bracket or a comma.
 */
export function gpuDescription(gpus: readonly GpuSpec[], options: { nvSwitches?: number } = {}): string {
  for (const gpu of gpus)
    for (const [key, value] of Object.entries(gpu))
      if (/["{}[\],\\]/.test(String(value)))
        throw new Error(`GPU description: ${key}: ${value}: has a reserved character`);
  const ordered = gpus.map(({ name, ...rest }) => ({ name, ...rest }));
  return `${JSON.stringify({ simulated: true, nvSwitches: options.nvSwitches ?? 0, gpus: ordered }, null, 2)}\n`;
}
