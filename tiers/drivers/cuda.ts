import { isOlder } from "./version.ts";

/**
 * Linux x86_64 driver that each CUDA toolkit was released with.
 * Source: CUDA Toolkit Release Notes, table "CUDA Toolkit and Corresponding Driver Versions"
 * (https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/). Newest first.
 */
const CORRESPONDING_DRIVER: readonly (readonly [cuda: string, driver: string])[] = [
  ["13.3", "610.43.02"],
  ["13.2.1", "595.58.03"],
  ["13.2", "595.45.04"],
  ["13.1.1", "590.48.01"],
  ["13.1", "590.44.01"],
  ["13.0.2", "580.95.05"],
  ["13.0.1", "580.82.07"],
  ["13.0", "580.65.06"],
  ["12.9.1", "575.57.08"],
  ["12.9", "575.51.03"],
  ["12.8.1", "570.124.06"],
  ["12.8", "570.26"],
  ["12.6.3", "560.35.05"],
  ["12.6.1", "560.35.03"],
  ["12.6", "560.28.03"],
  ["12.5.1", "555.42.06"],
  ["12.5", "555.42.02"],
  ["12.4.1", "550.54.15"],
  ["12.4", "550.54.14"],
  ["12.3.1", "545.23.08"],
  ["12.3", "545.23.06"],
  ["12.2.2", "535.104.05"],
  ["12.2.1", "535.86.09"],
  ["12.2", "535.54.03"],
  ["12.1", "530.30.02"],
  ["12.0.1", "525.85.12"],
  ["12.0", "525.60.13"],
  ["11.8", "520.61.05"],
  ["11.7.1", "515.48.07"],
  ["11.7", "515.43.04"],
  ["11.6", "510.39.01"],
  ["11.5", "495.29.05"],
  ["11.4", "470.42.01"],
  ["11.3", "465.19.01"],
  ["11.2", "460.27.03"],
  ["11.1", "455.23"],
  ["11.0", "450.51.05"],
];

/**
 * Oldest driver on which programs built with any toolkit of the major release start (minor version
 * compatibility: limited features, no PTX).
 * Source: https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
 */
const MINOR_COMPATIBILITY: Readonly<Record<string, string>> = {
  "11": "450.80.02",
  "12": "525.60.13",
  "13": "580.65.06",
};

export interface CudaRequirement {
  /** Driver that the toolkit was released with: everything works from here on. */
  full: string;
  /** Driver from which minor version compatibility holds. */
  minimum: string;
}

/** What driver a program built with this CUDA version (`12.8`, `13.0.2`) needs; undefined when NVIDIA's table does not name it. */
export function driverForCuda(cuda: string): CudaRequirement | undefined {
  const major = cuda.split(".")[0] ?? "";
  const minimum = MINOR_COMPATIBILITY[major];
  const row = CORRESPONDING_DRIVER.find(
    ([toolkit]) => toolkit.split(".")[0] === major && !isOlder(cuda, toolkit),
  );
  if (!row || !minimum) return undefined;
  return { full: row[1], minimum };
}

/** CUDA major version that a driver brings itself (525 → 12, 580 → 13); undefined before CUDA 11. */
export function cudaMajorOfDriver(driver: string): number | undefined {
  const row = CORRESPONDING_DRIVER.find(([, needed]) => !isOlder(driver, needed));
  return row ? Number(row[0].split(".")[0]) : undefined;
}
