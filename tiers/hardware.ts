import type { TierName } from "../config/tier.ts";

/** How the GPUs of a machine reach each other. */
export type Interconnect = "pcie" | "nvlink" | "nvswitch";

/** What a machine of a tier is. Lower bounds where a machine may have more. */
export interface TierHardware {
  title: string;
  gpu: {
    /** As nvidia-smi prints it, without what differs between board variants. */
    model: string;
    count: number;
    vramGiB: number;
    interconnect: Interconnect;
  };
  /** Least main memory. The articles also ask for a fifth of the total video memory. */
  ramGiB: number;
  /** Least size of each data disk. */
  diskGB: number;
  dataDisks: number;
  /** Where the numbers come from. */
  source: string;
}

/**
 * The tiers of the source articles (A: 000, B: 001, C: 002, D: 003, E: 004). Memory and disks are what they ask
 * for; video memory and links are NVIDIA's (the articles' NVLink between 4090s does not exist).
 */
export const tierHardware: Readonly<Record<TierName, TierHardware>> = {
  "entry-4090": {
    title: "one GeForce RTX 4090",
    gpu: { model: "RTX 4090", count: 1, vramGiB: 24, interconnect: "pcie" },
    ramGiB: 64,
    diskGB: 1000,
    dataDisks: 2,
    source: "B, D, E: 1x RTX 4090 24 GB, 64 GB RAM, 1-2 TB NVMe; E: RAID 1 for the weights",
  },
  "a100-pair": {
    title: "two A100 80 GB joined by NVLink",
    gpu: { model: "A100", count: 2, vramGiB: 80, interconnect: "nvlink" },
    ramGiB: 128,
    diskGB: 1000,
    dataDisks: 4,
    source: "A, B: 2x A100 80 GB NVLink, 128 GB RAM, RAID 10 over SSDs",
  },
  "h100-8": {
    title: "eight H100 SXM5 behind NVSwitch",
    gpu: { model: "H100", count: 8, vramGiB: 80, interconnect: "nvswitch" },
    ramGiB: 512,
    diskGB: 4000,
    dataDisks: 4,
    source: "B, C: 8x H100 80 GB SXM5 NVSwitch, 512 GB RAM, 4 TB NVMe",
  },
};
