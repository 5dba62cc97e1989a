import type { ModuleKind } from "./architectures.ts";
import { cudaMajorOfDriver } from "./cuda.ts";
import { branchOf } from "./version.ts";

/** Distributions that NVIDIA's repository and racksmith both serve, as `ID` + `VERSION_ID` of os-release. */
export const DISTRIBUTIONS = ["debian12", "debian13", "ubuntu22.04", "ubuntu24.04"] as const;
export type Distribution = (typeof DISTRIBUTIONS)[number];

export function asDistribution(os: string): Distribution | undefined {
  return DISTRIBUTIONS.find((known) => known === os);
}

/** How NVIDIA's apt repository names one driver; `{branch}` is the first number of the driver. */
interface Naming {
  distributions: readonly Distribution[];
  fromBranch: number;
  /** Debian revision that NVIDIA appends to the driver's version. */
  revision: string;
  userland: readonly string[];
  modules: Readonly<Record<ModuleKind, readonly string[]>>;
}

const DEBIAN: readonly Distribution[] = ["debian12", "debian13"];
const UBUNTU: readonly Distribution[] = ["ubuntu22.04", "ubuntu24.04"];
const debianModules = { open: ["nvidia-kernel-open-dkms"], proprietary: ["nvidia-kernel-dkms"] };

/**
 * Compute-only packages. Sources: NVIDIA Driver Installation Guide, "Compute-only systems" for Debian and Ubuntu, and
 * "Recent updates" for the renaming (Ubuntu drops the branch from names with 590; the `nvidia-driver-cuda` split).
 * Revisions as published: 525.85.12-0ubuntu1, 580.173.02-1ubuntu1, 595.71.05-1ubuntu1, Debian -1.
 */
const NAMINGS: readonly Naming[] = [
  {
    distributions: DEBIAN,
    fromBranch: 560,
    revision: "1",
    userland: ["nvidia-driver-cuda", "nvidia-smi", "libcuda1", "nvidia-persistenced"],
    modules: debianModules,
  },
  {
    distributions: DEBIAN,
    fromBranch: 0,
    revision: "1",
    userland: ["nvidia-smi", "libcuda1", "nvidia-persistenced"],
    modules: debianModules,
  },
  {
    distributions: UBUNTU,
    fromBranch: 590,
    revision: "1ubuntu1",
    userland: ["libnvidia-compute", "nvidia-utils", "nvidia-compute-utils"],
    modules: { open: ["nvidia-dkms-open"], proprietary: ["nvidia-dkms"] },
  },
  {
    distributions: UBUNTU,
    fromBranch: 580,
    revision: "1ubuntu1",
    userland: ["libnvidia-compute-{branch}", "nvidia-utils-{branch}", "nvidia-compute-utils-{branch}"],
    modules: { open: ["nvidia-dkms-{branch}-open"], proprietary: ["nvidia-dkms-{branch}"] },
  },
  {
    distributions: UBUNTU,
    fromBranch: 0,
    revision: "0ubuntu1",
    userland: ["libnvidia-compute-{branch}", "nvidia-utils-{branch}", "nvidia-compute-utils-{branch}"],
    modules: { open: ["nvidia-dkms-{branch}-open"], proprietary: ["nvidia-dkms-{branch}"] },
  },
];

/** Fabric manager and the NVSwitch library lost the branch in their names, and took the driver's revision, with R580. */
const FABRIC_RENAMED_IN = 580;

export interface StackVersions {
  driver: string;
  modules: ModuleKind;
  /** Debian revision of the driver's packages, where a mirror's differs from NVIDIA's. */
  packageRevision?: string | undefined;
  fabricManager?: boolean | undefined;
  cuda?: string | undefined;
  cudnn?: string | undefined;
  dcgm?: string | undefined;
  containerToolkit?: string | undefined;
}

export interface Package {
  name: string;
  /** Exact Debian version. */
  version: string;
}

/** Every package that racksmith installs and holds for these versions on this distribution. */
export function packagesOf(stack: StackVersions, distribution: Distribution): Package[] {
  return [
    ...driverPackages(stack, distribution),
    ...fabricPackages(stack, distribution),
    ...cudaPackages(stack),
    ...cudnnPackages(stack),
    ...dcgmPackages(stack),
    ...containerToolkitPackages(stack),
  ];
}

function namingOf(driver: string, distribution: Distribution): Naming {
  const branch = branchOf(driver);
  const naming = NAMINGS.find((row) => row.distributions.includes(distribution) && branch >= row.fromBranch);
  if (!naming) throw new Error(`driver ${driver}: no package names known for ${distribution}`);
  return naming;
}

function driverPackages(stack: StackVersions, distribution: Distribution): Package[] {
  const naming = namingOf(stack.driver, distribution);
  const version = `${stack.driver}-${stack.packageRevision ?? naming.revision}`;
  const branch = String(branchOf(stack.driver));
  return [...naming.modules[stack.modules], ...naming.userland].map((name) => ({
    name: name.replace("{branch}", branch),
    version,
  }));
}

function fabricPackages(stack: StackVersions, distribution: Distribution): Package[] {
  if (!stack.fabricManager) return [];
  const branch = branchOf(stack.driver);
  const renamed = branch >= FABRIC_RENAMED_IN;
  const suffix = renamed ? "" : `-${branch}`;
  const revision = stack.packageRevision ?? (renamed ? namingOf(stack.driver, distribution).revision : "1");
  return ["nvidia-fabricmanager", "libnvidia-nscq"].map((name) => ({
    name: `${name}${suffix}`,
    version: `${stack.driver}-${revision}`,
  }));
}

function cudaPackages({ cuda }: StackVersions): Package[] {
  if (!cuda) return [];
  const [major, minor, patch] = cuda.split(".");
  return [{ name: `cuda-toolkit-${major}-${minor}`, version: `${major}.${minor}.${patch ?? "0"}-1` }];
}

/** cuDNN 8 carries the CUDA version in its own, cuDNN 9 the CUDA major in its name (cuDNN installation guide). */
function cudnnPackages({ cuda, cudnn }: StackVersions): Package[] {
  if (!cudnn || !cuda) return [];
  const [major, minor] = cuda.split(".");
  return cudnn.startsWith("8.")
    ? [{ name: "libcudnn8", version: `${cudnn}-1+cuda${major}.${minor}` }]
    : [{ name: `libcudnn9-cuda-${major}`, version: `${cudnn}-1` }];
}

/** DCGM 4 has one plug-in package per CUDA major of the *driver* (DCGM installation guide). */
function dcgmPackages({ dcgm, driver }: StackVersions): Package[] {
  if (!dcgm) return [];
  const cudaMajor = cudaMajorOfDriver(driver) ?? 12;
  return ["datacenter-gpu-manager-4-core", `datacenter-gpu-manager-4-cuda${cudaMajor}`].map((name) => ({
    name,
    version: `1:${dcgm}-1`,
  }));
}

/** The four packages depend on each other in exactly one version (container toolkit installation guide). */
function containerToolkitPackages({ containerToolkit }: StackVersions): Package[] {
  if (!containerToolkit) return [];
  return [
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
  ].map((name) => ({ name, version: `${containerToolkit}-1` }));
}
