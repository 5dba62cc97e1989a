import { existsSync } from "node:fs";
import { mkdtemp, readdir, rename, rm, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CliError } from "../errors.ts";
import { withLock } from "../filelock.ts";
import { makeDir } from "../paths.ts";
import { must } from "../process.ts";
import { note, step } from "../progress.ts";
import { findGo, type Go } from "./go.ts";
import { buildKey, type GoTool, goWanted } from "./versions.ts";

/** Measured: modules 1.6 GB, compiler cache 1.1 GB, programs 0.14 GB; less when Go's caches are warm. */
const roomWantedBytes = 3e9;

/** Where these programs are once they are built. */
export function builtBin(tools: readonly GoTool[], cache: string): string {
  return join(cache, "engine", buildKey(tools), "bin");
}

/**
 * Builds the programs into `CACHE/engine/KEY/bin` and returns that folder; a second call finds it there.
 * Built in a scratch folder and renamed, so the folder is whole or absent, whatever interrupts the build.
 */
export async function buildTools(tools: readonly GoTool[], cache: string): Promise<string> {
  const bin = builtBin(tools, cache);
  if (existsSync(bin)) return bin;
  return withLock(join(cache, "locks", "engine"), "building the Pulumi engine", async () => {
    if (existsSync(bin)) return bin;
    const parent = makeDir(join(cache, "engine"));
    await sweep(parent);
    await warnWhenTight(parent);
    const go = await findGo(goWanted(tools), cache);
    const scratch = await mkdtemp(join(parent, ".new."));
    try {
      for (const tool of tools) await buildTool(tool, go, join(scratch, "bin"));
      await rename(scratch, dirname(bin));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return bin;
  });
}

async function buildTool(tool: GoTool, go: Go, into: string): Promise<void> {
  const args = [
    "build",
    "-C",
    tool.moduleDir,
    "-trimpath",
    "-buildvcs=false",
    "-v",
    "-ldflags",
    tool.ldflags,
  ];
  await step(`building ${tool.name} from pinned Go modules (Go ${go.version})`, async (detail) => {
    let packages = 0;
    const onLine = (line: string) => {
      packages += line.startsWith("go: ") ? 0 : 1;
      detail(line.startsWith("go: ") ? line.slice(4) : `package ${packages}: ${line}`);
    };
    await must(`go build ${tool.package}`, go.command, [...args, "-o", join(into, tool.name), tool.package], {
      env: go.env,
      onLine,
    });
  });
}

// We hold the lock, so a scratch folder that is there was left by a build that was killed.
async function sweep(parent: string): Promise<void> {
  for (const entry of await readdir(parent)) {
    if (!entry.startsWith(".new.")) continue;
    await rm(join(parent, entry), { recursive: true, force: true });
    note(`removed what an interrupted build had left in ${join(parent, entry)}`);
  }
}

async function warnWhenTight(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free < 0.2e9) {
    throw new CliError(
      `${folder}: ${(free / 1e9).toFixed(1)} GB free, building the engine wants about ${roomWantedBytes / 1e9} GB. ` +
        "Free some space, or set RACKSMITH_CACHE to a folder on a larger disk.",
    );
  }
  if (free < roomWantedBytes) {
    note(`${folder}: ${(free / 1e9).toFixed(1)} GB free; a first build of the engine wants about 3 GB`);
  }
}
