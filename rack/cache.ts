import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "./errors.ts";
import { withLock } from "./lock.ts";
import { cacheDir } from "./paths.ts";

/** One thing worth keeping: a folder whose content follows from its recipe alone. */
export interface Cached {
  /** Folder name below the cache: `image`, `packages`, … */
  kind: string;
  /** Everything the content depends on. Its hash names the folder. */
  recipe: unknown;
  /** What a person reads while it is being built. */
  title: string;
  /** Fills an empty folder. It is renamed into place only when this resolves. */
  build(dir: string): Promise<void>;
}

/** How many folders of one kind stay: the one in use and the one before. */
const KEPT = 2;

/** The folder of `thing`, built first if it is not there. Two at once: the second waits and then finds it. */
export async function cached(thing: Cached, tell: Progress): Promise<string> {
  const parent = join(cacheDir(), "rack", thing.kind);
  const dir = join(parent, keyOf(thing.recipe));
  if (existsSync(dir)) return used(dir);
  return withLock(`${parent}.lock`, tell, async () => {
    if (existsSync(dir)) return used(dir);
    const temporary = `${dir}.new`;
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    tell(`${thing.title}: building (kept for next time)`);
    const start = Date.now();
    try {
      await thing.build(temporary);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
    renameSync(temporary, dir);
    tell(`${thing.title}: built in ${Math.round((Date.now() - start) / 1000)} s`);
    prune(parent, dir);
    return dir;
  });
}

export function keyOf(recipe: unknown): string {
  return createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 20);
}

/** Marks the last use, by which pruning chooses. */
function used(dir: string): string {
  const now = new Date();
  utimesSync(dir, now, now);
  return dir;
}

function prune(parent: string, keep: string): void {
  const others = readdirSync(parent)
    .map((name) => join(parent, name))
    .filter((path) => path !== keep && !path.endsWith(".new"))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const path of others.slice(KEPT - 1)) rmSync(path, { recursive: true, force: true });
}
