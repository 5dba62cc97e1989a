import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineStack, type Ran, ROOT } from "../support/engine-stack.ts";
import { installEdition } from "./edition.ts";
import type { Program } from "./program.ts";

export type { Ran };

/** A resource as the state file has it; secrets are ciphertext there. */
export interface Stated {
  type: string;
  urn: string;
  id: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

/** A Pulumi stack of the resources under test, run by the engine on PATH with the plugins of one edition. */
export class Stack extends EngineStack {
  static async start(env: NodeJS.ProcessEnv = {}): Promise<Stack> {
    const folder = await mkdtemp(join(tmpdir(), "racksmith-conformance-"));
    const stack = new Stack("conformance", folder, {
      // Only the plugins of that home: a `pulumi-resource-*` on PATH would come first.
      PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
      CONFORMANCE_PROGRAM: join(folder, "program.json"),
      ...env,
    });
    await stack.makeFolders();
    await installEdition(join(folder, "home")).catch(async (error: unknown) => {
      await stack.stop();
      throw error;
    });
    await stack.writeProject(`import "${ROOT}test/conformance/program.ts";\n`);
    await stack.want({});
    await stack.initStack();
    return stack;
  }

  /** What the next run makes. */
  async want(program: Program): Promise<void> {
    await this.writeProgram(program);
  }

  destroy(): Promise<Ran> {
    return this.pulumi("destroy", "--yes", "--stack", "test", "--skip-preview");
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
