/** A simulated machine as data. Everything a tier's node is, apart from what racksmith puts on it. */
export interface NodeSpec {
  /** Name of the node, of its stack (`rack-NAME`) and of its folder. */
  name: string;
  /** The tier that its stack config names. */
  tier: string;
  vcpus: number;
  memoryMiB: number;
  disks: readonly DiskSpec[];
  gpus: readonly GpuSpec[];
  ports: readonly PortSpec[];
}

/** A data disk. The system disk is an overlay over the base image and not listed. */
export interface DiskSpec {
  /** What `lsblk -o SERIAL` says and a config names; at most 20 characters (NVMe's limit). */
  serial: string;
  bus: "nvme" | "virtio";
  sizeMiB: number;
  /** `ext4-with-a-file`: made with a filesystem holding `ledger.txt`, to be refused, never wiped. */
  content?: "ext4-with-a-file";
}

/** A simulated GPU. Handed to the node as JSON; the simulated tools answer from it. */
export interface GpuSpec {
  /** As nvidia-smi prints it. */
  name: string;
  uuid: string;
  /** As nvidia-smi prints it, `00000000:01:00.0`. */
  pciBusId: string;
  /** PCI `vendor:device`. */
  pciId: string;
  memoryMiB: number;
  /** CUDA compute capability, `8.9`. */
  computeCapability: string;
  powerLimitWatts: number;
  maxPowerLimitWatts: number;
  /** Default 100. */
  minPowerLimitWatts?: number;
  eccSupported: boolean;
  /** ECC as shipped: data-centre cards have it on. Default Disabled. */
  eccDefault?: "Enabled" | "Disabled";
  migSupported: boolean;
  /** NVLink connections of this GPU; default 0. */
  nvLinks?: number;
}

/** A TCP port of the node, reachable on the workstation's loopback at a port chosen when the node starts. */
export interface PortSpec {
  name: "ssh" | "endpoint" | "prometheus" | "alertmanager" | "grafana";
  guest: number;
}
