import { createHash } from "node:crypto";
import { mkdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CliError } from "./errors.ts";

/** The folder that holds `racksmith`, symlinks resolved. */
export const checkout = realpathSync(dirname(dirname(fileURLToPath(import.meta.url))));

/** What can be made again: engine builds, Node, images. Keyed by content; safe to delete. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.RACKSMITH_CACHE
    ? resolve(env.RACKSMITH_CACHE)
    : join(xdg(env, "XDG_CACHE_HOME", ".cache"), "racksmith");
}

/** What cannot be made again: Pulumi state, its passphrase, the rack's disks and keys. */
export function stateDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.RACKSMITH_STATE
    ? resolve(env.RACKSMITH_STATE)
    : join(xdg(env, "XDG_STATE_HOME", ".local/state"), "racksmith");
}

// The XDG specification has relative values ignored.
function xdg(env: NodeJS.ProcessEnv, name: string, fallback: string): string {
  const value = env[name];
  return value && isAbsolute(value) ? value : join(env.HOME || homedir(), fallback);
}

/** Tells two checkouts on one machine apart, where both write under the same state folder. */
export function checkoutKey(): string {
  return createHash("sha256").update(checkout).digest("hex").slice(0, 12);
}

/** Makes a folder (0700 by default) or says what to do when it cannot be made. */
export function makeDir(path: string, mode = 0o700): string {
  try {
    mkdirSync(path, { recursive: true, mode });
    return path;
  } catch (error) {
    throw new CliError(
      `${path}: cannot be made (${(error as NodeJS.ErrnoException).code}). ` +
        "Set RACKSMITH_CACHE and RACKSMITH_STATE to folders that can be written.",
    );
  }
}
