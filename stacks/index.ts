import type { GpuNode, GpuNodeArgs, NodeSummary } from "../components/gpu-node.ts";
import { ConfigError, type NodeConfig, type StackConfig } from "../config/index.ts";
import type { TierName } from "../config/tier.ts";
import { type Manifest, manifestOf } from "../config/weights-manifest.ts";
import { a100Pair } from "./a100-pair.ts";
import { entry4090 } from "./entry-4090.ts";
import { h100x8 } from "./h100-8.ts";

type Stack = (args: Omit<GpuNodeArgs, "profiling">) => GpuNode;

/** One stack a tier. */
const stacks: Readonly<Record<TierName, Stack>> = {
  "entry-4090": entry4090,
  "a100-pair": a100Pair,
  "h100-8": h100x8,
};

/** Deploys every host, each on its own: nothing of one waits for another. */
export async function deploy(config: StackConfig, stack: string): Promise<Record<string, NodeSummary>> {
  const manifests = await listModels(config.hosts);
  const nodes = config.hosts.map((node) => {
    const made = stacks[node.tier]({ stack, node, manifest: manifests.get(folderOf(node) ?? "") });
    return [node.connection.name, made.summary] as const;
  });
  return Object.fromEntries(nodes);
}

/** What the models' folders hold, each looked at once; every problem of every folder at once. */
async function listModels(nodes: readonly NodeConfig[]): Promise<ReadonlyMap<string, Manifest>> {
  const folders = [...new Set(nodes.flatMap((node) => folderOf(node) ?? []))];
  const listed = await Promise.all(
    folders.map(async (folder) => [folder, await manifestOf(folder)] as const),
  );
  const problems = listed.flatMap(([, found]) => ("problems" in found ? found.problems : []));
  if (problems.length > 0) throw new ConfigError(problems);
  return new Map(
    listed.flatMap(([folder, found]) => ("problems" in found ? [] : [[folder, found] as const])),
  );
}

function folderOf({ weights }: NodeConfig): string | undefined {
  return weights.source.kind === "directory" ? weights.source.directory : undefined;
}
