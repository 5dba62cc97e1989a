// bench/noop: how long a second run takes that finds nothing to do, `racksmith up` against an Ansible play that
// keeps the same state, in turn on one node. Usage: node bench/noop/run.ts [NODE] [RUNS]
// The node must have been brought up: ./racksmith up NODE --rack
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareEngine } from "../../cli/engine/prepare.ts";
import { capture } from "../../cli/process.ts";
import { exportState, openStack } from "../../cli/stack/pulumi.ts";
import { onNode } from "../../rack/index.ts";
import { nodeSecret } from "../../rack/secrets.ts";
import { stackFile, stackName } from "../../rack/stack.ts";
import { ansiblePlaybook, play } from "./ansible.ts";
import { inventory, playVariables } from "./node.ts";

/** The most that racksmith's run may take of the play's time. */
const TARGET = 0.15;
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function up(node: string): Promise<void> {
  const { status, stdout, stderr } = await capture(here("../../racksmith"), ["up", node, "--rack"]);
  if (status !== 0 || !/Resources:\s+\d+ unchanged\s*\n\s*\n/.test(stdout))
    throw new Error(
      `racksmith up ${node}: exit ${status}, or it changed something\n${(stdout + stderr).slice(-4000)}`,
    );
}

const [node = "entry-4090", runs = "3"] = process.argv.slice(2);
const state = await exportState(openStack(stackName(node), await prepareEngine(), stackFile(node)));
if (!state) throw new Error(`${node}: no stack; run ./racksmith up ${node} --rack first`);
const python = await ansiblePlaybook();
await onNode(
  node,
  "sudo apt-get install -qy --no-install-recommends python3 python3-apt >/dev/null 2>&1",
  600,
);

const folder = mkdtempSync(join(tmpdir(), "racksmith-noop-"));
try {
  const given = {
    folder,
    inventory: await inventory(node),
    variables: await playVariables(node, state, folder),
    apiKey: nodeSecret(node, "api-key").reveal(),
  };
  const times = { racksmith: [] as number[], ansible: [] as number[] };
  for (let run = 1; run <= Number(runs); run++) {
    times.racksmith.push(await timed(() => up(node)));
    times.ansible.push(await timed(() => play(python, here("site.yml"), given)));
    console.log(
      `run ${run}: racksmith up ${seconds(times.racksmith.at(-1) ?? 0)}, Ansible ${seconds(times.ansible.at(-1) ?? 0)}`,
    );
  }
  const ratio = median(times.racksmith) / median(times.ansible);
  console.log(
    `median of ${runs}: racksmith up ${seconds(median(times.racksmith))}, Ansible ${seconds(median(times.ansible))}, ` +
      `ratio ${ratio.toFixed(3)} (wanted ≤ ${TARGET})`,
  );
  process.exitCode = ratio <= TARGET ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
