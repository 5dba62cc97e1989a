import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { capture } from "../../cli/process.ts";
import type { ConnectionInput } from "../../config/connection.ts";
import { EngineStack, type Ran, ROOT } from "../support/engine-stack.ts";
import { SshServer, toyScripts } from "../support/ssh-server.ts";

export type { Ran };

/** The line of Pulumi.yaml that names the toys' provider. */
export const TOY_PLUGIN = `plugins: { providers: [{ name: racksmith, path: ${join(ROOT, "test/engine/toy-provider")} }] }`;

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
export class ToyStack extends EngineStack {
  readonly server: SshServer;

  private constructor(folder: string, server: SshServer) {
    super("toys", folder, {
      TOY_PROGRAM: join(folder, "program.json"),
      TOY_SCRIPTS: join(server.folder, "scripts"),
      TOY_LIBRARY: server.library,
      TOY_PIDS: join(folder, "pids"),
    });
    this.server = server;
  }

  static async start(): Promise<ToyStack> {
    const server = await SshServer.start();
    await toyScripts(server.folder);
    const stack = new ToyStack(await mkdtemp(join(tmpdir(), "racksmith-stack-")), server);
    await stack.makeFolders();
    await stack.writeProject(PROGRAM, [TOY_PLUGIN]);
    await stack.initStack();
    return stack;
  }

  async toys(toys: Record<string, ToyArgs>, connection: Partial<ConnectionInput> = {}): Promise<void> {
    await this.writeProgram({ toys, connection: this.server.connectionInput(connection) });
  }

  /** Writes the host into the stack's configuration, its key encrypted, as `racksmith:hosts` of a real one. */
  async configure(): Promise<void> {
    const { privateKey, ...connection } = this.server.connectionInput();
    const file = join(this.folder, "Pulumi.test.yaml");
    const { encryptionsalt } = parse(await readFile(file, "utf8"));
    const config = { "racksmith:hosts": [{ ...connection, raid: { level: 10 } }, { name: "half" }] };
    await writeFile(file, stringify({ encryptionsalt, config }));
    const args = ["config", "set", "--secret", "--path", "racksmith:hosts[0].privateKey", "--stack", "test"];
    const input = String(privateKey);
    const set = await capture("pulumi", args, { cwd: this.folder, env: this.env, input });
    if (set.status !== 0) throw new Error(set.stderr);
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
