/** GPU generations by what they ask of a driver. */
export type Architecture =
  | "Maxwell"
  | "Pascal"
  | "Volta"
  | "Turing"
  | "Ampere"
  | "Ada"
  | "Hopper"
  | "Blackwell";
export type ModuleKind = "open" | "proprietary";

export interface ArchitectureRule {
  /** Driver of the first CUDA toolkit that knows the architecture. */
  minimumDriver: string;
  /** Last driver branch that still serves it. */
  lastBranch?: number;
  modules: readonly ModuleKind[];
}

/**
 * Sources: "CUDA Toolkit, Driver, and Architecture Matrix"
 * (https://docs.nvidia.com/datacenter/tesla/drivers/cuda-toolkit-driver-and-architecture-matrix.html): first toolkit and
 * last branch; the driver number is that toolkit's in the CUDA release notes. Kernel modules: NVIDIA Driver
 * Installation Guide, "Kernel Modules": open from Turing on, the only choice from Blackwell on.
 */
export const ARCHITECTURES: Readonly<Record<Architecture, ArchitectureRule>> = {
  Maxwell: { minimumDriver: "340.29", lastBranch: 580, modules: ["proprietary"] },
  Pascal: { minimumDriver: "367.48", lastBranch: 580, modules: ["proprietary"] },
  Volta: { minimumDriver: "384.81", lastBranch: 580, modules: ["proprietary"] },
  Turing: { minimumDriver: "410.48", modules: ["proprietary", "open"] },
  Ampere: { minimumDriver: "450.36.06", modules: ["proprietary", "open"] },
  Ada: { minimumDriver: "520.61.05", modules: ["proprietary", "open"] },
  Hopper: { minimumDriver: "520.61.05", modules: ["proprietary", "open"] },
  Blackwell: { minimumDriver: "570.26", modules: ["open"] },
};

/** First branch with open kernel modules (R515 release notes). */
export const FIRST_OPEN_BRANCH = 515;

/**
 * PCI device id → architecture. NVIDIA numbers a generation in one block; the blocks are those of the PCI ID
 * Repository (https://pci-ids.ucw.cz/read/PC/10de).
 */
const DEVICE_BLOCKS: readonly (readonly [first: number, last: number, architecture: Architecture])[] = [
  [0x1340, 0x17ff, "Maxwell"],
  [0x15f0, 0x15ff, "Pascal"],
  [0x1b00, 0x1d7f, "Pascal"],
  [0x1d80, 0x1dff, "Volta"],
  [0x1e00, 0x1fff, "Turing"],
  [0x2080, 0x20ff, "Ampere"],
  [0x2180, 0x21ff, "Turing"],
  [0x2200, 0x22ff, "Ampere"],
  [0x2300, 0x23ff, "Hopper"],
  [0x2400, 0x25ff, "Ampere"],
  [0x2600, 0x28ff, "Ada"],
  [0x2900, 0x2fff, "Blackwell"],
  [0x3180, 0x31ff, "Blackwell"],
];

/** Architecture of a PCI device id (`0x2684` → Ada); undefined for ids outside every known block. */
export function architectureOf(deviceId: string): Architecture | undefined {
  const id = Number.parseInt(deviceId, 16);
  // The more specific (later, shorter) block of Maxwell's range is Pascal's GP100.
  const hits = DEVICE_BLOCKS.filter(([first, last]) => id >= first && id <= last);
  return hits.at(-1)?.[2];
}
