import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Command } from "commander";
import pc from "picocolors";
import { prepareEngine } from "../engine/prepare.ts";
import { CliError, exitCodes } from "../errors.ts";
import { makeDir, stateDir } from "../paths.ts";
import { note, say } from "../progress.ts";
import { hostsOf, resourcesOfHost, withoutResources } from "../stack/forget.ts";
import { halfMadeContainers } from "../stack/half-made.ts";
import { exportState, importState, openStack, readyStack, type Stack } from "../stack/pulumi.ts";
import { nameOf } from "../stack/state.ts";
import { askOnTerminal } from "./confirm.ts";

interface Options {
  yes?: boolean;
  configFile?: string;
}

export function forgetVerb(): Command {
  return new Command("forget")
    .description("drop a host from the state, for a server that is dead or given away; changes no server")
    .argument("<stack>", "the stack: Pulumi.STACK.yaml")
    .argument("<host>", "the host's name in the configuration")
    .option("-y, --yes", "ask nothing")
    .option("--config-file <path>", "configuration, when it is not Pulumi.STACK.yaml in this folder")
    .addHelpText(
      "after",
      `
Nothing is connected to: a server that still runs keeps its data, keys and services, and goes on serving. Take
the host out of \`hosts\` as well, or the next \`up\` sets it up again. A copy of the state is kept.

Example:
  $ ./racksmith forget lab gpu-2`,
    )
    .action(async (name: string, host: string, options: Options) => {
      const engine = await prepareEngine();
      const stack = openStack(name, engine, options.configFile && resolve(options.configFile));
      // Only a look: mending what a killed run left would connect to hosts.
      await readyStack(stack, true);
      const ask = (question: string) => askOnTerminal(question, "forget it", "--yes");
      await forget(stack, host, options.yes ? async () => true : ask, makeDir(join(stateDir(), "forgotten")));
    });
}

/** Drops what the state holds of the host, after `confirm` said yes. A copy of the state goes into `copies`. */
export async function forget(
  stack: Stack,
  host: string,
  confirm: (question: string) => Promise<boolean>,
  copies: string,
): Promise<void> {
  const state = await exportState(stack);
  const known = state ? hostsOf(state) : [];
  if (!state || !known.includes(host)) {
    throw new CliError(`${stack.name}: its state knows no host ${host}, only: ${known.join(", ") || "none"}`);
  }
  const dropped = resourcesOfHost(state, host);
  say(`${pc.bold(`${dropped.length} resources`)} of ${host} leave the state of ${stack.name}:`);
  for (const { type, urn } of dropped) say(`  ${type} ${nameOf(urn)}`);
  say("Nothing on the server changes: what is there stays and goes on, and nobody looks after it any more.");
  if (!(await confirm(`Forget ${host}?`))) {
    throw new CliError(`${host}: not confirmed; nothing was changed`, exitCodes.refused);
  }
  const now = await exportState(stack);
  if (!isDeepStrictEqual(now, state)) {
    throw new CliError(
      `${stack.name}: another run changed its state meanwhile; nothing was changed. Forget ${host} again, and see anew what leaves`,
      exitCodes.locked,
    );
  }
  const left = withoutResources(state, dropped);
  const copy = join(copies, `${stack.name}-${new Date().toISOString().replaceAll(":", "")}.json`);
  await writeFile(copy, JSON.stringify(state), { mode: 0o600 });
  await importState(stack, left);
  for (const { container, ssh } of halfMadeContainers(left)) {
    note(
      `${ssh.at(-1)}: a killed run may have left the container ${container} half made, and the state no longer knows; ` +
        `if the next up finds its name taken, there: docker rm -f ${container}`,
    );
  }
  say(`Forgotten. To take it back: pulumi stack import --stack ${stack.name} --file ${copy}`);
  note(`if ${host} is still among the hosts of ${stack.configFile}, the next up sets it up again`);
}
