import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installEdition } from "./edition.ts";
import type { Program } from "./program.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Ran {
  code: number | null;
  output: string;
}

/** A resource as the state file has it; secrets are ciphertext there. */
export interface Stated {
  type: string;
  urn: string;
  id: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

/** A Pulumi stack of the resources under test, run by the engine on PATH with the plugins of one edition. */
export class Stack {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;

  private constructor(folder: string) {
    this.folder = folder;
    this.env = {
      ...process.env,
      PULUMI_HOME: join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${join(folder, "backend")}`,
      PULUMI_CONFIG_PASSPHRASE: "conformance",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      // Only the plugins of that home: a `pulumi-resource-*` on PATH would come first.
      PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
      CONFORMANCE_PROGRAM: join(folder, "program.json"),
    };
  }

  static async start(env: NodeJS.ProcessEnv = {}): Promise<Stack> {
    const folder = await mkdtemp(join(tmpdir(), "racksmith-conformance-"));
    const stack = new Stack(folder);
    Object.assign(stack.env, env);
    await mkdir(join(folder, "backend"));
    await mkdir(join(folder, "home"));
    await installEdition(join(folder, "home")).catch(async (error: unknown) => {
      await stack.stop();
      throw error;
    });
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    await writeFile(join(folder, "index.ts"), `import "${ROOT}test/conformance/program.ts";\n`);
    await writeFile(
      join(folder, "Pulumi.yaml"),
      [
        "name: conformance",
        "runtime: { name: nodejs, options: { typescript: false } }",
        "main: index.ts",
        "options: { refresh: always }",
        "",
      ].join("\n"),
    );
    await stack.want({});
    const init = await stack.pulumi("stack", "init", "test");
    if (init.code !== 0)
      throw new Error(`no working pulumi on PATH (./racksmith setup brings it): ${init.output}`);
    return stack;
  }

  /** What the next run makes. */
  async want(program: Program): Promise<void> {
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

  destroy(): Promise<Ran> {
    return this.pulumi("destroy", "--yes", "--stack", "test", "--skip-preview");
  }

  /** The state file's text. */
  state(): Promise<string> {
    return readFile(join(this.folder, "backend/.pulumi/stacks/conformance/test.json"), "utf8");
  }

  /** One resource of the state, by its name. */
  async resource(name: string): Promise<Stated> {
    const { checkpoint } = JSON.parse(await this.state());
    const resources: Stated[] = checkpoint.latest?.resources ?? [];
    const found = resources.find(({ urn }) => urn.endsWith(`::${name}`));
    if (!found) throw new Error(`the state holds no ${name}`);
    return found;
  }

  async stop(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
