import { GpuNode, type GpuNodeArgs } from "../components/gpu-node.ts";

/** Eight H100 behind NVSwitches: the driver noun brings the fabric manager, one engine runs over all cards. */
export function h100x8(args: Omit<GpuNodeArgs, "profiling">): GpuNode {
  return new GpuNode(args.node.connection.name, { ...args, profiling: true });
}
