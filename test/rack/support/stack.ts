import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { prepareEngine } from "../../../cli/engine/prepare.ts";
import { ask, openStack, readyStack, type Stack } from "../../../cli/stack/pulumi.ts";
import { parseExport, withoutPending } from "../../../cli/stack/state.ts";
import { rackStateDir } from "../../../rack/paths.ts";
import { stackFile, stackName } from "../../../rack/stack.ts";

const lastMadeFile = (node: string): string => join(rackStateDir("stacks"), `${node}.last.json`);

/** What the workstation knows of a node: its configuration and the engine's state, secrets encrypted. */
export interface KeptStack {
  config: string;
  lastMade: string;
  state: string;
}

/** The node's stack as the CLI opens it. Its configuration must be there. */
export async function stackOf(node: string): Promise<Stack> {
  return openStack(stackName(node), await prepareEngine(), stackFile(node));
}

export async function keepStack(node: string): Promise<KeptStack> {
  return {
    config: readFileSync(stackFile(node), "utf8"),
    lastMade: readFileSync(lastMadeFile(node), "utf8"),
    state: await ask(await stackOf(node), ["stack", "export"]),
  };
}

/** The configuration as it was kept; before the node is booted, which rewrites it. */
export function restoreConfig(node: string, kept: KeptStack): void {
  writeFileSync(stackFile(node), kept.config, { mode: 0o600 });
  writeFileSync(lastMadeFile(node), kept.lastMade, { mode: 0o600 });
}

/** The engine's state as it was kept, whatever it is now. */
export async function restoreState(node: string, kept: KeptStack): Promise<void> {
  const stack = await stackOf(node);
  await readyStack(stack);
  await ask(stack, ["stack", "import"], JSON.stringify(withoutPending(parseExport(kept.state))));
}

/** Forgets the stack: no state, no configuration; as before the first `up`. */
export async function forgetStack(node: string): Promise<void> {
  if (existsSync(stackFile(node))) {
    const stack = await stackOf(node);
    await readyStack(stack, true); // a run that was killed may have left its lock
    await ask(stack, ["stack", "rm", "--force", "--yes"]);
  }
  rmSync(stackFile(node), { force: true });
  rmSync(lastMadeFile(node), { force: true });
}

/** Changes a section as a person edits the file: given keys are replaced, others stay. */
export function edit(node: string, name: string, patch: Record<string, unknown>): void {
  const file = stackFile(node);
  const whole = parse(readFileSync(file, "utf8")) as { config: Record<string, object> };
  whole.config[`racksmith:${name}`] = { ...whole.config[`racksmith:${name}`], ...patch };
  writeFileSync(file, stringify(whole, { lineWidth: 0 }), { mode: 0o600 });
}
