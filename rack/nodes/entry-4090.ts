import type { NodeSpec } from "./types.ts";

/** The smallest tier: one RTX 4090, weights on two NVMe disks. Memory and disks are scaled to a laptop. */
export const ENTRY_4090: NodeSpec = {
  name: "entry-4090",
  tier: "entry-4090",
  vcpus: 2,
  memoryMiB: 3584,
  disks: [
    { serial: "RACKNVME0001", bus: "nvme", sizeMiB: 3072 },
    { serial: "RACKNVME0002", bus: "nvme", sizeMiB: 3072 },
    { serial: "RACKNVME0003", bus: "nvme", sizeMiB: 3072 },
    { serial: "RACKDATA0001", bus: "virtio", sizeMiB: 256, content: "ext4-with-a-file" },
  ],
  gpus: [
    {
      name: "NVIDIA GeForce RTX 4090",
      uuid: "GPU-4090a000-0000-4000-8000-000000000001",
      pciBusId: "00000000:01:00.0",
      pciId: "10de:2684",
      memoryMiB: 24564,
      computeCapability: "8.9",
      powerLimitWatts: 450,
      maxPowerLimitWatts: 600,
      eccSupported: true,
      migSupported: false,
    },
  ],
  ports: [
    { name: "ssh", guest: 22 },
    { name: "endpoint", guest: 8000 },
    { name: "prometheus", guest: 9090 },
    { name: "alertmanager", guest: 9093 },
    { name: "grafana", guest: 3000 },
  ],
};
