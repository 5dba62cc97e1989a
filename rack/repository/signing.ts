import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Progress } from "../errors.ts";
import { rackStateDir } from "../paths.ts";
import { run } from "../run.ts";
import { needTools } from "../tools.ts";

const USER_ID = "racksmith virtual rack (packages for simulated nodes only)";

/** The public half of the key that signs this rack's package repository, ASCII-armoured. */
export async function repositoryKey(tell: Progress): Promise<string> {
  const { secret, exported } = keyFiles();
  if (!existsSync(secret)) {
    await needTools(["gpg"], tell);
    await withGpg(async (gpg) => {
      await gpg(["--passphrase", "", "--quick-generate-key", USER_ID, "ed25519", "sign", "never"]);
      writeFileSync(exported, await gpg(["--armor", "--export"]));
      writeFileSync(`${secret}.new`, await gpg(["--armor", "--export-secret-keys"]), { mode: 0o600 });
      renameSync(`${secret}.new`, secret);
    });
  }
  return readFileSync(exported, "utf8");
}

/** The text with a signature around it, as apt wants its InRelease. */
export async function clearSigned(text: string, tell: Progress): Promise<string> {
  await repositoryKey(tell);
  return withGpg(async (gpg) => {
    await gpg(["--import", keyFiles().secret]);
    return gpg(["--clear-sign", "--digest-algo", "SHA512"], text);
  });
}

function keyFiles(): { secret: string; exported: string } {
  const dir = rackStateDir("keys");
  return { secret: join(dir, "repository.secret.asc"), exported: join(dir, "repository.asc") };
}

type Gpg = (args: readonly string[], input?: string) => Promise<string>;

/** A key ring of its own in a short path: gpg's agent puts a socket in it, and nobody's key ring is touched. */
async function withGpg<T>(work: (gpg: Gpg) => Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), "rs-gpg-"));
  const env = { GNUPGHOME: home };
  try {
    return await work((args, input) =>
      run(["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", ...args], { env, input: input ?? "" }),
    );
  } finally {
    await run(["gpgconf", "--kill", "gpg-agent"], { env }).catch(() => undefined);
    rmSync(home, { recursive: true, force: true });
  }
}
