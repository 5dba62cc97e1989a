import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** Content-keyed and deletable at any time: `$RACKSMITH_CACHE`, else `$XDG_CACHE_HOME/racksmith`. */
export function cacheDir(): string {
  const { RACKSMITH_CACHE, XDG_CACHE_HOME } = process.env;
  return RACKSMITH_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "racksmith");
}

/** What must survive: keys, nodes' disks, stack configs. `$RACKSMITH_STATE`, else `$XDG_STATE_HOME/racksmith`. */
export function stateDir(): string {
  const { RACKSMITH_STATE, XDG_STATE_HOME } = process.env;
  return RACKSMITH_STATE || join(XDG_STATE_HOME || join(homedir(), ".local", "state"), "racksmith");
}

/** The rack's own corner of the state, readable by its owner only: it holds private keys. */
export function rackStateDir(...inside: string[]): string {
  return privateDir(join(stateDir(), "rack", ...inside));
}

/**
 * A short folder for one purpose's Unix sockets. A socket's path may have 107 bytes, and the state folder
 * may be deeper than that.
 */
export function socketDir(purpose: string): string {
  const short = createHash("sha256").update(purpose).digest("hex").slice(0, 10);
  return privateDir(join(tmpdir(), `racksmith-rack-${userInfo().uid}`, short));
}

export function privateDir(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}
