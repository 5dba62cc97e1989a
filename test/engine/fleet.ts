import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Stack } from "../../cli/stack/pulumi.ts";
import { EngineStack, ROOT } from "../support/engine-stack.ts";
import { SshServer, toyScripts } from "../support/ssh-server.ts";
import { TOY_PLUGIN } from "./stack.ts";

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { resourceClass } from "${ROOT}provider/sdk.ts";
import { Secret } from "${ROOT}config/secret.ts";
import { toy } from "${ROOT}test/support/toy/noun.ts";
const Toy = resourceClass(toy);
for (const [name, { text, connection }] of Object.entries(JSON.parse(readFileSync(process.env.TOY_PROGRAM, "utf8")))) {
  const node = new pulumi.ComponentResource("racksmith:components:GpuNode", name);
  const known = { ...connection, name, privateKey: new Secret(connection.privateKey) };
  const first = new Toy(name, { name: "first", text, connection: known }, { parent: node });
  new Toy(name + "-second", { name: "second", text, connection: known }, { parent: node, dependsOn: first });
}
`;

/** A stack of several hosts with two toys each, every host an SSH server of its own. */
export class FleetStack extends EngineStack {
  readonly servers: Readonly<Record<string, SshServer>>;

  private constructor(folder: string, servers: Readonly<Record<string, SshServer>>) {
    const [first] = Object.values(servers);
    super("fleet", folder, {
      TOY_PROGRAM: join(folder, "program.json"),
      TOY_SCRIPTS: join(first?.folder ?? "", "scripts"),
      TOY_LIBRARY: first?.library,
      TOY_PIDS: join(folder, "pids"),
    });
    this.servers = servers;
  }

  static async start(names: readonly string[]): Promise<FleetStack> {
    const servers: Record<string, SshServer> = {};
    for (const name of names) {
      servers[name] = await SshServer.start();
      await toyScripts(servers[name].folder);
    }
    const stack = new FleetStack(await mkdtemp(join(tmpdir(), "racksmith-fleet-")), servers);
    await stack.makeFolders();
    await stack.writeProject(PROGRAM, [TOY_PLUGIN]);
    await stack.initStack();
    return stack;
  }

  /** The hosts of the configuration: name in it → [server, text of its toys]. */
  async hosts(hosts: Record<string, readonly [server: string, text: string]>): Promise<void> {
    const program = Object.entries(hosts).map(([name, [server, text]]) => {
      const connection = this.servers[server]?.connectionInput({ connectTimeoutSeconds: 5 });
      return [name, { text, connection }] as const;
    });
    await this.writeProgram(Object.fromEntries(program));
  }

  /** As the CLI sees it. */
  get opened(): Stack {
    const engine = { pulumi: "pulumi", origin: "own", edition: "offline", env: {} } as const;
    const configFile = join(this.folder, "Pulumi.test.yaml");
    return { name: "test", configFile, engine, env: this.env, cwd: this.folder };
  }

  /** What the scripts noted on a server: `begin NAME`, `end NAME`, `removed NAME`. */
  async acts(server: string): Promise<string[]> {
    const file = join(this.servers[server]?.folder ?? "", "toy/.acts");
    const text = await readFile(file, "utf8").catch(() => "");
    return text.split("\n").filter(Boolean);
  }

  async stop(): Promise<void> {
    for (const server of Object.values(this.servers)) await server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
