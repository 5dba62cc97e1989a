import { GpuNode, type GpuNodeArgs } from "../components/gpu-node.ts";

/** One GeForce RTX 4090: a mirror of two disks, one engine. GeForce cards do not count SM activity. */
export function entry4090(args: Omit<GpuNodeArgs, "profiling">): GpuNode {
  return new GpuNode(args.node.connection.name, { ...args, profiling: false });
}
