import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { link, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeDir } from "../paths.ts";

/** The backend to use when the user chose none (by environment or `pulumi login`): files in the state folder. */
export function backendUrl(env: NodeJS.ProcessEnv, pulumiHome: string, state: string): string | undefined {
  if (env.PULUMI_BACKEND_URL || env.PULUMI_ACCESS_TOKEN || loggedIn(pulumiHome)) return undefined;
  // The engine takes what follows file:// as a path, and does not decode it.
  return `file://${makeDir(join(state, "pulumi"))}`;
}

function loggedIn(pulumiHome: string): boolean {
  try {
    const credentials: unknown = JSON.parse(readFileSync(join(pulumiHome, "credentials.json"), "utf8"));
    return (
      typeof credentials === "object" &&
      credentials !== null &&
      "current" in credentials &&
      !!credentials.current
    );
  } catch {
    return false; // absent or unreadable: the engine would not use it either
  }
}

/**
 * The file holding the passphrase that encrypts secrets in the state; made once, readable by this user only.
 * Nothing when the user has a passphrase of their own. Losing the file loses the secrets in the state.
 */
export async function passphraseFile(env: NodeJS.ProcessEnv, state: string): Promise<string | undefined> {
  if (env.PULUMI_CONFIG_PASSPHRASE !== undefined || env.PULUMI_CONFIG_PASSPHRASE_FILE) return undefined;
  const file = join(makeDir(state), "passphrase");
  if (existsSync(file)) return file;
  const fresh = `${file}.${randomBytes(4).toString("hex")}`;
  await writeFile(fresh, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flush: true });
  try {
    await link(fresh, file); // unlike a rename, never replaces one that another run has just made
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(fresh);
  }
  return file;
}
