import type { ModuleKind } from "./architectures.ts";

/** A number and where it comes from. */
export interface Sourced {
  version: string;
  source: string;
}

/** Versions that belong together; every one exact. The fabric manager is always the driver's version. */
export interface DriverSet {
  title: string;
  driver: Sourced;
  modules: ModuleKind;
  /** Last month in which NVIDIA maintains the branch, `YYYY-MM`. */
  supportedUntil?: string;
  cuda: Sourced;
  cudnn: Sourced;
  containerToolkit: Sourced;
  dcgm: Sourced;
}

const CONTAINER_TOOLKIT: Sourced = {
  version: "1.19.1",
  source: "NVIDIA Container Toolkit release notes; packages 1.19.1-1 in the stable apt repository",
};
const DCGM: Sourced = {
  version: "4.6.1",
  source: "NVIDIA CUDA apt repository, datacenter-gpu-manager-4-core 1:4.6.1-1; serves drivers from R450 on",
};
const SUPPORT_TABLE =
  "https://docs.nvidia.com/datacenter/tesla/drivers/615/supported-drivers-and-cuda-toolkit-versions.html";

export const DRIVER_SETS = {
  r580: {
    title: "R580, the production branch with long-term support",
    driver: {
      version: "580.173.02",
      source: `NVIDIA CUDA apt repository, 580.173.02-1; branch: ${SUPPORT_TABLE}`,
    },
    modules: "open",
    supportedUntil: "2028-06",
    cuda: { version: "13.0.2", source: "CUDA Toolkit Archive: 13.0.2, released with driver 580.95.05" },
    cudnn: { version: "9.20.0.48", source: "NVIDIA CUDA apt repository, libcudnn9-cuda-13 9.20.0.48-1" },
    containerToolkit: CONTAINER_TOOLKIT,
    dcgm: DCGM,
  },
  r595: {
    title: "R595, the newest production branch",
    driver: {
      version: "595.71.05",
      source: `NVIDIA CUDA apt repository, 595.71.05-1; branch: ${SUPPORT_TABLE}`,
    },
    modules: "open",
    supportedUntil: "2027-03",
    cuda: { version: "13.0.2", source: "CUDA Toolkit Archive: 13.0.2, released with driver 580.95.05" },
    cudnn: { version: "9.20.0.48", source: "NVIDIA CUDA apt repository, libcudnn9-cuda-13 9.20.0.48-1" },
    containerToolkit: CONTAINER_TOOLKIT,
    dcgm: DCGM,
  },
  article: {
    title: "The source articles' set; NVIDIA published 525.85.12 for Ubuntu 22.04, not for newer systems",
    driver: {
      version: "525.85.12",
      source: "the articles; CUDA 12.0 Update 1 release notes; Ubuntu 22.04 packages 525.85.12-0ubuntu1",
    },
    modules: "proprietary",
    cuda: { version: "11.8.0", source: "the articles; CUDA 11.8 release notes: driver 520.61.05 or later" },
    cudnn: { version: "8.6.0.163", source: "the articles (8.6); libcudnn8 8.6.0.163-1+cuda11.8" },
    containerToolkit: CONTAINER_TOOLKIT,
    dcgm: DCGM,
  },
} as const satisfies Record<string, DriverSet>;

export type DriverSetName = keyof typeof DRIVER_SETS;

/**
 * R580: NVIDIA's lifecycle page calls a long-term support branch "a production branch … maintained for a much longer
 * time"; a server in a machine room wants that.
 */
export const DEFAULT_DRIVER_SET: DriverSetName = "r580";

export const DRIVER_SET_NAMES: readonly [DriverSetName, ...DriverSetName[]] = ["r580", "r595", "article"];

export function driverSet(name: DriverSetName): DriverSet {
  return DRIVER_SETS[name];
}
