import { resolve } from "node:path";
import { Command } from "commander";
import { prepareEngine } from "../engine/prepare.ts";
import { CliError } from "../errors.ts";
import { operate } from "../stack/operate.ts";
import { openStack, readyStack } from "../stack/pulumi.ts";
import { type Exported, nameOf, resourcesOf } from "../stack/state.ts";

export function unlockVerb(): Command {
  return new Command("unlock")
    .description("send the operator's key to vaults that wait for it, after a reboot")
    .argument("<stack>", "the stack: Pulumi.STACK.yaml")
    .argument("[host]", "only this host's vault")
    .option("--config-file <path>", "configuration, when it is not Pulumi.STACK.yaml in this folder")
    .addHelpText(
      "after",
      `
Runs \`up\` on the vaults of the stack alone: a locked one is opened with the key from the configuration,
an open one is left as it is. Only vaults of policy \`operator\` wait for this.

Example:
  $ ./racksmith unlock lab`,
    )
    .action(async (name: string, host: string | undefined, options: { configFile?: string }) => {
      const engine = await prepareEngine();
      const stack = openStack(name, engine, options.configFile && resolve(options.configFile));
      const vaults = vaultsOf(await readyStack(stack), host);
      if (vaults.length === 0) {
        throw new CliError(
          `${name}: has no vault${host ? ` on ${host}` : ""}; \`./racksmith up ${name}\` makes it`,
        );
      }
      await operate("up", stack, { yes: true, more: vaults.flatMap((urn) => ["--target", urn]) });
    });
}

/** URNs of the vaults in the state, of one host or of all. */
export function vaultsOf(state: Exported | undefined, host: string | undefined): string[] {
  if (!state) return [];
  return resourcesOf(state)
    .filter(({ type }) => type === "racksmith:index:Vault")
    .filter(
      ({ urn, inputs }) =>
        host === undefined || hostOf(inputs) === host || nameOf(urn).startsWith(`${host}-`),
    )
    .map(({ urn }) => urn);
}

function hostOf(inputs: Record<string, unknown> | undefined): unknown {
  const connection = inputs?.connection;
  return typeof connection === "object" && connection !== null && "name" in connection
    ? connection.name
    : undefined;
}
