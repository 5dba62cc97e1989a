/** Which versions the rack's package repository offers: what the named sets want, and neighbours to move between. */
import { DRIVER_SETS } from "../../tiers/drivers/sets.ts";
import { branchOf } from "../../tiers/drivers/version.ts";

/**
 * Besides those of the named sets: an older minor of R580 (Debian 580.159.04-1) to upgrade from, and a newer one
 * of R595 (Debian 595.91.07-1) to upgrade to. All are published in NVIDIA's CUDA repositories.
 */
const NEIGHBOUR_DRIVERS = ["580.159.04", "595.91.07"] as const;

const unique = (versions: readonly string[]): string[] => [...new Set(versions)];
const sets = Object.values(DRIVER_SETS);

export const DRIVERS = unique([...sets.map((set) => set.driver.version), ...NEIGHBOUR_DRIVERS]);
/** 12.8.1 as a second CUDA 12 line; the article's 11.8 and R580's 13.0 come from the sets. */
export const CUDA_TOOLKITS = unique([...sets.map((set) => set.cuda.version), "12.8.1"]);
/** cuDNN with the CUDA toolkit it is for. */
export const CUDNNS = [
  ...sets.map((set) => ({ cudnn: set.cudnn.version, cuda: set.cuda.version })),
  { cudnn: "9.10.2.21", cuda: "12.8.1" },
];
export const CONTAINER_TOOLKITS = unique([...sets.map((set) => set.containerToolkit.version), "1.18.2"]);
export const DCGMS = unique([...sets.map((set) => set.dcgm.version), "4.4.1"]);

/** What nvidia-smi prints as "CUDA Version": the newest CUDA that the driver's branch knows. */
const CUDA_OF_BRANCH: Readonly<Record<number, string>> = { 525: "12.0", 580: "13.0", 595: "13.2" };

export function cudaOfDriver(driver: string): string {
  const cuda = CUDA_OF_BRANCH[branchOf(driver)];
  if (cuda === undefined) throw new Error(`driver ${driver}: no CUDA version known for its branch`);
  return cuda;
}

/** Compiler version inside a toolkit, as in NVIDIA's cuda-nvcc packages. */
const NVCC_OF_TOOLKIT: Readonly<Record<string, string>> = {
  "11.8": "11.8.89",
  "12.8": "12.8.93",
  "13.0": "13.0.88",
};

/** `13.0.2` → `13.0.88`. */
export function nvccOfToolkit(cuda: string): string {
  const nvcc = NVCC_OF_TOOLKIT[cuda.split(".").slice(0, 2).join(".")];
  if (nvcc === undefined) throw new Error(`CUDA ${cuda}: no compiler version known`);
  return nvcc;
}
