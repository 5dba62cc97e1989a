import type { Mapping } from "../config/merge.ts";
import type { TierName } from "../config/tier.ts";
import { tierHardware } from "./hardware.ts";
import { defaultImages } from "./images.ts";

/** Engines that have a default image. */
export type EngineName = "vllm" | "llamacpp";

/** What a section gets when the user writes nothing about it. */
export type TierDefaults = Readonly<Record<string, Mapping>>;

/**
 * Share of video memory that vLLM may take. The articles want 75-85 % in use (B) and an alert above 85 % (E); what
 * CUDA graphs take comes on top of vLLM's own count, so it is told to stay a little below.
 */
const GPU_MEMORY_UTILIZATION = 0.82;

/** The tier's arguments for every noun, under the user's own. `engine` picks the engine's settings and image. */
export function tierDefaults(tier: TierName, engine: EngineName = "vllm"): TierDefaults {
  const { gpu, ramGiB, diskGB, dataDisks } = tierHardware[tier];
  return {
    host: {
      memoryGiB: ramGiB,
      diskGB,
      gpus: { model: gpu.model, count: gpu.count, vramGiB: gpu.vramGiB },
    },
    raid: { level: dataDisks >= 4 ? 10 : 1 },
    inference: {
      image: defaultImages[engine],
      gpus: ["nvidia.com/gpu=all"],
      settings: engineSettings(engine, gpu.count),
    },
  };
}

function engineSettings(engine: EngineName, gpuCount: number): Mapping {
  if (engine === "llamacpp") return { engine, gpuLayers: 999 };
  return { engine, tensorParallel: gpuCount, gpuMemoryUtilization: GPU_MEMORY_UTILIZATION };
}

/** SM activity is counted by data-centre GPUs only (DCGM's profiling fields). */
export function countsSmActivity(tier: TierName): boolean {
  return tier !== "entry-4090";
}
