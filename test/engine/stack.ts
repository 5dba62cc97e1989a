import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ConnectionInput } from "../../config/connection.ts";
import { SshServer, toyScripts } from "../support/ssh-server.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface ToyArgs {
  name: string;
  text?: string;
  /** Takes the text of this other toy's facts: unknown in a preview until that one is made. */
  textOf?: string;
  slow?: number;
  broken?: string;
  password?: string;
  extra?: Record<string, unknown>;
}

export interface Ran {
  code: number | null;
  output: string;
}

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { resourceClass } from "${ROOT}provider/sdk.ts";
import { Secret } from "${ROOT}config/secret.ts";
import { toy } from "${ROOT}test/support/toy/noun.ts";
const Toy = resourceClass(toy);
const { toys, connection } = JSON.parse(readFileSync(process.env.TOY_PROGRAM, "utf8"));
const made = {};
for (const [key, { textOf, password, extra, ...args }] of Object.entries(toys)) {
  const text = textOf === undefined ? args.text : made[textOf].facts.apply((facts) => facts.text + "!");
  const secret = password === undefined ? {} : { password: new Secret(password) };
  made[key] = new Toy(key, { ...args, ...secret, ...extra, text, connection: { ...connection, privateKey: new Secret(connection.privateKey) } });
}
`;

/** A Pulumi stack of toys on the in-process server, run by the engine found on PATH. */
export class ToyStack {
  readonly folder: string;
  readonly server: SshServer;
  readonly env: NodeJS.ProcessEnv;

  private constructor(folder: string, server: SshServer) {
    this.folder = folder;
    this.server = server;
    this.env = {
      ...process.env,
      PULUMI_HOME: join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "toy",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      TOY_PROGRAM: join(folder, "program.json"),
      TOY_SCRIPTS: join(server.folder, "scripts"),
      TOY_LIBRARY: server.library,
      TOY_PIDS: join(folder, "pids"),
    };
  }

  static async start(): Promise<ToyStack> {
    const server = await SshServer.start();
    await toyScripts(server.folder);
    const folder = await mkdtemp(join(tmpdir(), "racksmith-stack-"));
    const stack = new ToyStack(folder, server);
    await mkdir(join(folder, "state"));
    await mkdir(join(folder, "home"));
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    await writeFile(join(folder, "index.ts"), PROGRAM);
    await writeFile(
      join(folder, "Pulumi.yaml"),
      [
        "name: toys",
        "runtime: { name: nodejs, options: { typescript: false } }",
        "main: index.ts",
        "options: { refresh: always }",
        `plugins: { providers: [{ name: racksmith, path: ${join(ROOT, "test/engine/toy-provider")} }] }`,
      ].join("\n"),
    );
    const init = await stack.pulumi("stack", "init", "test");
    if (init.code !== 0)
      throw new Error(`no working pulumi on PATH (./racksmith setup brings it): ${init.output}`);
    return stack;
  }

  async toys(toys: Record<string, ToyArgs>, connection: Partial<ConnectionInput> = {}): Promise<void> {
    const program = { toys, connection: this.server.connectionInput(connection) };
    await writeFile(join(this.folder, "program.json"), JSON.stringify(program));
  }

  /** Starts the engine; `ran` resolves when it ends. */
  start(...args: string[]): { child: ChildProcess; ran: Promise<Ran> } {
    const child = spawn("pulumi", [...args, "--non-interactive", "--cwd", this.folder], {
      env: this.env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        output += data.toString();
      });
    }
    const ran = new Promise<Ran>((resolve) => {
      child.once("error", (error) => resolve({ code: null, output: String(error) }));
      child.once("close", (code) => resolve({ code, output }));
    });
    return { child, ran };
  }

  pulumi(...args: string[]): Promise<Ran> {
    return this.start(...args).ran;
  }

  up(): Promise<Ran> {
    return this.pulumi("up", "--yes", "--stack", "test", "--skip-preview", "--diff");
  }

  preview(): Promise<Ran> {
    return this.pulumi("preview", "--stack", "test", "--diff");
  }

  /** The state file's text. */
  state(): Promise<string> {
    return readFile(join(this.folder, "state/.pulumi/stacks/toys/test.json"), "utf8");
  }

  async providerPids(): Promise<number[]> {
    const text = await readFile(join(this.folder, "pids"), "utf8").catch(() => "");
    return text.split("\n").filter(Boolean).map(Number);
  }

  /** What a toy's file holds on the host; undefined when there is none. */
  held(name: string): Promise<string | undefined> {
    return readFile(join(this.server.folder, "toy", name), "utf8").catch(() => undefined);
  }

  /** `begin NAME`, `end NAME`, `removed NAME`, as the scripts noted them. */
  async acts(): Promise<string[]> {
    const text = await readFile(join(this.server.folder, "toy/.acts"), "utf8").catch(() => "");
    return text.split("\n").filter(Boolean);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
