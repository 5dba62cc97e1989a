import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "./errors.ts";
import { rackStateDir } from "./paths.ts";
import { run } from "./run.ts";
import { needTools } from "./tools.ts";

/** An ed25519 key pair in OpenSSH's format. */
export interface SshKey {
  /** Path of the private key, mode 0600. */
  file: string;
  /** `ssh-ed25519 AAAA…`, without a comment. */
  public: string;
}

/** The key that logs in to every node of this rack. */
export function clientKey(tell: Progress): Promise<SshKey> {
  return sshKey(join(rackStateDir("keys"), "client_ed25519"), tell);
}

/** A node's host key. It outlives the node's disks, so the pin in its stack config stays true. */
export function hostKey(node: string, tell: Progress): Promise<SshKey> {
  return sshKey(join(rackStateDir("nodes", node), "ssh_host_ed25519_key"), tell);
}

/** Generated at first use. */
async function sshKey(file: string, tell: Progress): Promise<SshKey> {
  if (!existsSync(file)) {
    await needTools(["ssh-keygen"], tell);
    const temporary = `${file}.${process.pid}`;
    await run([
      "ssh-keygen",
      "-q",
      "-t",
      "ed25519",
      "-N",
      "",
      "-C",
      "racksmith virtual rack",
      "-f",
      temporary,
    ]);
    renameSync(`${temporary}.pub`, `${file}.pub`);
    renameSync(temporary, file);
  }
  const [type = "", key = ""] = readFileSync(`${file}.pub`, "utf8").split(" ");
  return { file, public: `${type} ${key}` };
}
