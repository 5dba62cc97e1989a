import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout, with a slash at its end. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Ran {
  code: number | null;
  output: string;
}

/** A Pulumi project and its stack `test` in a folder of their own, run by the engine found on PATH. */
export class EngineStack {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #project: string;

  protected constructor(project: string, folder: string, env: NodeJS.ProcessEnv) {
    this.#project = project;
    this.folder = folder;
    this.env = {
      ...process.env,
      PULUMI_HOME: join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: project,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      ...env,
    };
  }

  /** Makes the home and the backend; nothing of Pulumi's runs yet. */
  protected async makeFolders(): Promise<void> {
    await mkdir(join(this.folder, "state"));
    await mkdir(join(this.folder, "home"));
  }

  /** Writes the project around the text of its program; `more` are further lines of Pulumi.yaml. */
  protected async writeProject(program: string, more: readonly string[] = []): Promise<void> {
    await symlink(join(ROOT, "node_modules"), join(this.folder, "node_modules"));
    await writeFile(join(this.folder, "package.json"), '{"type":"module"}');
    await writeFile(join(this.folder, "index.ts"), program);
    await writeFile(
      join(this.folder, "Pulumi.yaml"),
      [
        `name: ${this.#project}`,
        "runtime: { name: nodejs, options: { typescript: false } }",
        "main: index.ts",
        "options: { refresh: always }",
        ...more,
        "",
      ].join("\n"),
    );
  }

  protected async initStack(): Promise<void> {
    const init = await this.pulumi("stack", "init", "test");
    if (init.code !== 0)
      throw new Error(`no working pulumi on PATH (./racksmith setup brings it): ${init.output}`);
  }

  /** What the program reads at its next run. */
  protected async writeProgram(program: unknown): Promise<void> {
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
    return readFile(join(this.folder, `state/.pulumi/stacks/${this.#project}/test.json`), "utf8");
  }
}
