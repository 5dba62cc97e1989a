import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Connection, Endpoint } from "../config/connection.ts";
import { jumpOf, knownHostsLines, type SshFiles } from "./ssh-options.ts";

/** Folder for what the ssh binary must find in files. It stays the same from run to run, since its name is in the state. */
export function sshFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const state =
    environment.RACKSMITH_STATE ??
    join(environment.XDG_STATE_HOME ?? join(homedir(), ".local/state"), "racksmith");
  return join(state, "ssh");
}

/** Writes what ssh needs for a connection and its jump host; says where. Keys are 0600 in a folder of 0700. */
export function writeSshFiles(connection: Connection, folder: string): { host: SshFiles; jump?: SshFiles } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const jump = jumpOf(connection);
  const lines = knownHostsLines(connection) + (jump ? knownHostsLines(jump) : "");
  const knownHostsFile = join(folder, `${connection.name}.known_hosts`);
  put(knownHostsFile, lines);
  const host = filesOf(connection, join(folder, `${connection.name}.key`), knownHostsFile);
  return jump
    ? { host, jump: filesOf(jump, join(folder, `${connection.name}.jump.key`), knownHostsFile) }
    : { host };
}

function filesOf(endpoint: Endpoint, keyFile: string, knownHostsFile: string): SshFiles {
  if (endpoint.privateKeyFile !== undefined)
    return { keyFile: expandHome(endpoint.privateKeyFile), knownHostsFile };
  if (endpoint.privateKey === undefined) return { knownHostsFile };
  const key = endpoint.privateKey.reveal();
  put(keyFile, key.endsWith("\n") ? key : `${key}\n`);
  return { keyFile, knownHostsFile };
}

/** `~/x` as the shell would read it. */
export function expandHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

/** Whole or not at all, and only for this user; untouched when it is right already. */
function put(path: string, content: string): void {
  if (same(path, content)) return;
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, path);
}

function same(path: string, content: string): boolean {
  try {
    return readFileSync(path, "utf8") === content;
  } catch {
    return false;
  }
}
