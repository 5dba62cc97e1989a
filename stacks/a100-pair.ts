import { GpuNode, type GpuNodeArgs } from "../components/gpu-node.ts";

/** Two A100 joined by NVLink: mirrored stripes over four disks, one engine over both cards. */
export function a100Pair(args: Omit<GpuNodeArgs, "profiling">): GpuNode {
  return new GpuNode(args.node.connection.name, { ...args, profiling: true });
}
