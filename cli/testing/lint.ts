import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CliError } from "../errors.ts";
import { checkout } from "../paths.ts";
import { must } from "../process.ts";
import { which } from "../which.ts";
import { check, type Tally } from "./tally.ts";
import { live } from "./vitest.ts";

/** Types, style, scripts and Go, each a step of its own. */
export async function lint(): Promise<Tally[]> {
  const files = await projectFiles();
  const scripts = await bashFiles(files);
  const inCheckout = (name: string) => join(checkout, "node_modules", name);
  const node = (program: string, ...args: string[]) => live(process.execPath, [inCheckout(program), ...args]);
  const good = async (status: Promise<number>) => (await status) === 0;
  const tallies = [
    await check("types (tsc)", () => good(node("typescript/bin/tsc", "--noEmit"))),
    await check("style (biome)", () =>
      good(node("@biomejs/biome/bin/biome", "check", "--error-on-warnings", ".")),
    ),
  ];
  if (scripts.length > 0) {
    tallies.push(
      await check(`shellcheck (${scripts.length} scripts)`, () =>
        good(live("shellcheck", ["-x", "-P", "SCRIPTDIR", ...scripts])),
      ),
    );
    tallies.push(await check("shfmt", () => good(live("shfmt", ["-i", "2", "-ci", "-d", ...scripts]))));
  }
  for (const folder of await goFolders(files)) {
    tallies.push(await check(`go vet (${folder})`, () => good(live("go", ["-C", folder, "vet", "./..."]))));
  }
  return tallies;
}

/** Files that git knows or would add; nothing that it ignores. */
async function projectFiles(): Promise<string[]> {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await must("git ls-files", "git", args, { cwd: checkout });
  return stdout.split("\0").filter((file) => file !== "" && existsSync(join(checkout, file)));
}

async function bashFiles(files: readonly string[]): Promise<string[]> {
  const candidates = files.filter((file) => /(^|\/)[^.]+$|\.sh$|^\.ci\//.test(file));
  const found = await Promise.all(candidates.map(async (file) => (await isBash(file)) && file));
  return found.filter((file) => file !== false);
}

async function isBash(file: string): Promise<boolean> {
  const handle = await open(join(checkout, file));
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
    const first = buffer.toString("latin1", 0, bytesRead).split("\n")[0] ?? "";
    return /^#!.*\b(ba)?sh\b/.test(first) || file.endsWith(".sh");
  } finally {
    await handle.close();
  }
}

/** Modules with Go code of our own; the engine's are only lists of pinned modules. */
async function goFolders(files: readonly string[]): Promise<string[]> {
  const modules = files.filter((file) => file.endsWith("go.mod")).map((file) => dirname(file));
  const own = modules.filter((folder) =>
    files.some((file) => file.startsWith(`${folder}/`) && file.endsWith(".go")),
  );
  if (own.length > 0 && !which("go"))
    throw new CliError(`go: not found, and ${own.join(", ")} is to be checked with it`);
  return own;
}
