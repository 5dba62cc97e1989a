import type { Architecture } from "./architectures.ts";
import { architectureOf } from "./architectures.ts";

/**
 * Names of the boards people put into inference servers, for hosts whose driver is not there yet to name them.
 * Source of ids: PCI ID Repository (https://pci-ids.ucw.cz/read/PC/10de); memory: NVIDIA's data sheets.
 */
const BOARDS: Readonly<Record<string, { name: string; vramGiB: number }>> = {
  "0x1eb8": { name: "Tesla T4", vramGiB: 16 },
  "0x1db5": { name: "Tesla V100-SXM2-32GB", vramGiB: 32 },
  "0x1db6": { name: "Tesla V100-PCIE-32GB", vramGiB: 32 },
  "0x20b0": { name: "NVIDIA A100-SXM4-40GB", vramGiB: 40 },
  "0x20b2": { name: "NVIDIA A100-SXM4-80GB", vramGiB: 80 },
  "0x20b5": { name: "NVIDIA A100 80GB PCIe", vramGiB: 80 },
  "0x20b7": { name: "NVIDIA A30", vramGiB: 24 },
  "0x20f1": { name: "NVIDIA A100-PCIE-40GB", vramGiB: 40 },
  "0x20f3": { name: "NVIDIA A800-SXM4-80GB", vramGiB: 80 },
  "0x20f5": { name: "NVIDIA A800 80GB PCIe", vramGiB: 80 },
  "0x2203": { name: "NVIDIA GeForce RTX 3090 Ti", vramGiB: 24 },
  "0x2204": { name: "NVIDIA GeForce RTX 3090", vramGiB: 24 },
  "0x2235": { name: "NVIDIA A40", vramGiB: 48 },
  "0x2236": { name: "NVIDIA A10", vramGiB: 24 },
  "0x2321": { name: "NVIDIA H100 NVL", vramGiB: 94 },
  "0x2322": { name: "NVIDIA H800 PCIe", vramGiB: 80 },
  "0x2324": { name: "NVIDIA H800", vramGiB: 80 },
  "0x2329": { name: "NVIDIA H20", vramGiB: 96 },
  "0x2330": { name: "NVIDIA H100 80GB HBM3", vramGiB: 80 },
  "0x2331": { name: "NVIDIA H100 PCIe", vramGiB: 80 },
  "0x2335": { name: "NVIDIA H200", vramGiB: 141 },
  "0x233b": { name: "NVIDIA H200 NVL", vramGiB: 141 },
  "0x2684": { name: "NVIDIA GeForce RTX 4090", vramGiB: 24 },
  "0x2685": { name: "NVIDIA GeForce RTX 4090 D", vramGiB: 24 },
  "0x26b1": { name: "NVIDIA RTX 6000 Ada Generation", vramGiB: 48 },
  "0x26b5": { name: "NVIDIA L40", vramGiB: 48 },
  "0x26b9": { name: "NVIDIA L40S", vramGiB: 48 },
  "0x27b8": { name: "NVIDIA L4", vramGiB: 24 },
  "0x2901": { name: "NVIDIA B200", vramGiB: 180 },
  "0x2b85": { name: "NVIDIA GeForce RTX 5090", vramGiB: 32 },
};

export interface Board {
  deviceId: string;
  name?: string;
  /** Nominal memory, GiB as the vendor rounds it. */
  vramGiB?: number;
  architecture?: Architecture;
}

/** What a PCI device id (`0x2684`) says about a card before any driver is there. */
export function boardOf(deviceId: string): Board {
  const id = deviceId.toLowerCase();
  const architecture = architectureOf(id);
  return { deviceId: id, ...BOARDS[id], ...(architecture && { architecture }) };
}
