import { resolve } from "node:path";
import { Command } from "commander";
import pc from "picocolors";
import { prepareEngine } from "../engine/prepare.ts";
import { CliError, exitCodesHelp } from "../errors.ts";
import { say } from "../progress.ts";
import { loadRack, type Rack } from "../rack.ts";
import { sealSecrets } from "../stack/clear-secrets.ts";
import { showCompletion } from "../stack/completion.ts";
import { keptByDestroy } from "../stack/kept.ts";
import { type Operation, operate } from "../stack/operate.ts";
import { type Endpoints, printEndpoints, readEndpoints } from "../stack/outputs.ts";
import { openStack, readyStack, type Stack } from "../stack/pulumi.ts";

interface Options {
  rack?: boolean;
  yes?: boolean;
  configFile?: string;
}

export function upVerb(): Command {
  return operation("up", "make the servers what Pulumi.STACK.yaml says, and show what they then serve")
    .addHelpText(
      "after",
      `
Looks first, changes only what differs, looks again. What a killed run left behind (its lock, operations it
had begun) is put in order first, and said.

Examples:
  $ ./racksmith up entry-4090 --rack     boots a virtual server if need be; asks nothing
  $ ./racksmith up lab                   shows a preview and asks
  $ ./racksmith up lab --yes -- --target '**Inference**'
${exitCodesHelp}`,
    )
    .action((name: string, more: string[], options: Options) =>
      run("up", name, more, options, async (stack, rack) => {
        const endpoints = await readEndpoints(stack);
        const reached = rack ? forwarded(rack, name, endpoints) : endpoints;
        printEndpoints(reached);
        if (rack) await completeOnRack(stack, reached);
      }),
    );
}

export function previewVerb(): Command {
  return operation("preview", "show what up would change, and what drifted, by name; changes nothing").action(
    (name: string, more: string[], options: Options) => run("preview", name, more, options),
  );
}

export function refreshVerb(): Command {
  return operation("refresh", "read what is on the servers into the state; changes no server").action(
    (name: string, more: string[], options: Options) => run("refresh", name, more, options),
  );
}

export function destroyVerb(): Command {
  return operation(
    "destroy",
    "remove what may go; data is kept unless its section says onDelete: wipe",
  ).action((name: string, more: string[], options: Options) => run("destroy", name, more, options));
}

function operation(verb: Operation, description: string): Command {
  const command = new Command(verb)
    .description(description)
    .argument("<stack>", "the stack: Pulumi.STACK.yaml; with --rack the name of a node, entry-4090")
    .argument("[pulumi options...]", `after --: passed to \`pulumi ${verb}\` as they are`)
    .option("--rack", "on the virtual rack: boot the node, use its own stack, ask nothing")
    .option("--config-file <path>", "configuration, when it is not Pulumi.STACK.yaml in this folder");
  return verb === "preview" ? command : command.option("-y, --yes", "ask nothing, and skip the preview");
}

async function run(
  verb: Operation,
  name: string,
  more: readonly string[],
  options: Options,
  then?: (stack: Stack, rack: Rack | undefined) => Promise<void>,
): Promise<void> {
  const engine = await prepareEngine();
  const rack = options.rack ? await loadRack() : undefined;
  const node = await rack?.ensureNode(name, { tell: (line) => say(`  ${line}`) });
  const configFile = node?.configFile ?? (options.configFile && resolve(options.configFile));
  const stack = openStack(node?.stackName ?? name, engine, configFile);
  const state = await readyStack(stack, verb === "preview");
  await sealSecrets(stack, rack !== undefined);
  const kept = verb === "destroy" && state ? keptByDestroy(state) : [];
  await operate(verb, stack, { yes: options.yes === true || rack !== undefined, more });
  await then?.(stack, rack);
  if (verb === "destroy") sayKept(kept, options.rack ? name : undefined);
}

/** A virtual server is behind forwarded ports: its endpoints as this workstation reaches them. */
function forwarded(rack: Rack, node: string, endpoints: Endpoints): Endpoints {
  return Object.fromEntries(
    Object.entries(endpoints).map(([host, endpoint]) => [host, rack.reachedFromHere(node, endpoint)]),
  );
}

async function completeOnRack(stack: Stack, endpoints: Endpoints): Promise<void> {
  const [endpoint] = Object.values(endpoints);
  if (!endpoint) throw new CliError(`${stack.name}: the stack has no endpoint to ask`);
  await showCompletion(stack, endpoint);
}

function sayKept(kept: readonly string[], node: string | undefined): void {
  if (kept.length > 0) say(`${pc.bold("Kept on the servers")}:\n${kept.map((it) => `  ${it}`).join("\n")}`);
  else say("Nothing is known to be kept: the stack had not been brought up.");
  if (node) say(`The virtual server still runs; \`./racksmith rack down ${node}\` ends it.`);
}
