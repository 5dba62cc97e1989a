import { Command, CommanderError } from "commander";
import { followConsole } from "./console.ts";
import { RackError } from "./errors.ts";
import { ensureNode } from "./index.ts";
import { powerCut, resetNode, stopNode, unplugNode } from "./node/lifecycle.ts";
import { sshInteractive } from "./node/ssh.ts";
import { NODES, nodeSpec } from "./nodes/index.ts";
import { ensureServices, stopServices } from "./services/index.ts";
import { statusLines } from "./status.ts";

const tell = (line: string): void => void process.stderr.write(`  ${line}\n`);

/** Runs one verb of `racksmith rack`; resolves to the exit code. */
export async function rackCommand(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const verbs = rackProgram((code) => {
    exitCode = code;
  });
  try {
    await verbs.parseAsync(args.length === 0 ? ["--help"] : [...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof RackError)) throw error;
    process.stderr.write(`racksmith: ${error.message}\n`);
    return 1;
  }
}

function rackProgram(exit: (code: number) => void): Command {
  const program = new Command("racksmith rack")
    .description("virtual servers to try things on")
    .enablePositionalOptions()
    .exitOverride();
  const onNode = (verb: string, description: string, act: (name: string) => Promise<unknown>) =>
    program
      .command(verb)
      .description(description)
      .argument("<node>", NODES.map(({ name }) => name).join(", "), (name: string) => nodeSpec(name).name)
      .action(async (name: string) => void (await act(name)));

  onNode("up", "boot a node and write its stack config", async (name) => {
    const { configFile, stackName } = await ensureNode(name, { tell });
    process.stdout.write(`stack ${stackName}: ${configFile}\n`);
  });
  onNode("down", "shut a node down; its disks stay", (name) => stopNode(name, tell));
  onNode("reset", "throw a node's disks and TPM away: a bare server again", (name) => resetNode(name, tell));
  onNode("power-cut", "cut the power and boot again from the same disks", async (name) =>
    powerCut(name, { tell, site: (await ensureServices(tell)).site }),
  );
  onNode("unplug", "cut the power and leave it off", unplugNode);
  onNode("console", "follow a node's serial console", async (name) => exit(await followConsole(name)));
  program
    .command("ssh")
    .description("a shell on a node, or one command after --")
    .passThroughOptions()
    .argument("<node>")
    .argument("[command...]")
    .action(async (name: string, words: string[]) => {
      const remote = words[0] === "--" ? words.slice(1) : words;
      exit(await sshInteractive(nodeSpec(name).name, remote, tell));
    });
  program
    .command("status")
    .description("what runs, where it answers, and its stack config")
    .action(() => void process.stdout.write(`${statusLines().join("\n")}\n`));
  program
    .command("stop-services")
    .description("end the package repository and the image registry")
    .action(() => stopServices());
  return program;
}
