import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { keyOf } from "./cache.ts";
import { type Progress, RackError } from "./errors.ts";
import { withLock } from "./lock.ts";
import { discardMachine, keep, overlay } from "./node/disks.ts";
import { type NodeFiles, nodeFiles } from "./node/files.ts";
import { stopNode, unplugNode } from "./node/lifecycle.ts";
import { rackStateDir } from "./paths.ts";

/** How many snapshots stay, the newest. Each is as large as what a node wrote: about 2 GB when provisioned. */
const KEPT = 3;
const SECRETS = ["vault-key.secret", "api-key.secret"];
/** A disk of a snapshot, as the machine that stands on it names it. */
const UNDER = ".under.qcow2";

/** Whether there is a snapshot for this key (anything that decides its content). */
export function hasSnapshot(key: unknown): boolean {
  return existsSync(folderOf(key));
}

/**
 * Shuts the node down cleanly and keeps its disks, TPM and keys under `key`, so that a test of faults starts
 * from a provisioned node in a minute instead of provisioning for ten. The node itself goes on from there at
 * its next start. Not in the cache: it holds keys.
 */
export async function takeSnapshot(name: string, key: unknown, tell: Progress): Promise<void> {
  await stopNode(name, tell);
  const files = nodeFiles(name);
  await withLock(files.lock, tell, async () => {
    if (!existsSync(files.machine))
      throw new RackError(`${name}: has no disks to keep; run \`racksmith rack up ${name}\` first`);
    const folder = folderOf(key);
    const partial = `${folder}.new`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true, mode: 0o700 });
    for (const secret of SECRETS) copyIfThere(join(files.dir, secret), join(partial, secret));
    // The disks become the snapshot; the node stands on overlays of them from now on.
    renameSync(files.machine, join(partial, "machine"));
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
    await standOn(join(folder, "machine"), files);
    tell(`${name}: kept as it is`);
  });
  prune(folderOf(key));
}

/** Makes the node what the snapshot was, whatever it is now (running: its power is cut). */
export async function restoreSnapshot(name: string, key: unknown, tell: Progress): Promise<void> {
  const folder = folderOf(key);
  const files = nodeFiles(name);
  if (!existsSync(folder)) throw new RackError(`${name}: there is no such snapshot (${folder})`);
  await unplugNode(name);
  await withLock(files.lock, tell, async () => {
    discardMachine(files);
    for (const secret of SECRETS) copyIfThere(join(folder, secret), join(files.dir, secret));
    await standOn(join(folder, "machine"), files);
  });
}

/** A machine whose disks are overlays of a kept one's. Hard links, so that pruning pulls nothing away. */
async function standOn(kept: string, files: NodeFiles): Promise<void> {
  const partial = `${files.machine}.new`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o700 });
  for (const entry of readdirSync(kept)) {
    const [from, to] = [join(kept, entry), join(partial, entry)];
    if (entry === "tpm") cpSync(from, to, { recursive: true });
    else if (!entry.endsWith(".qcow2") || entry === "base.qcow2" || entry.endsWith(UNDER)) keep(from, to);
    else {
      const under = freeName(kept, entry.slice(0, -".qcow2".length));
      keep(from, join(partial, under));
      await overlay(under, to);
    }
  }
  renameSync(partial, files.machine);
}

/** A snapshot of a machine that stands on a snapshot has such files already; its own come on top. */
function freeName(kept: string, disk: string): string {
  for (let level = 1; ; level++) {
    const name = `${disk}.${level}${UNDER}`;
    if (!existsSync(join(kept, name))) return name;
  }
}

function folderOf(key: unknown): string {
  return join(rackStateDir("snapshots"), keyOf(key));
}

function copyIfThere(from: string, to: string): void {
  if (existsSync(from)) cpSync(from, to, { mode: 0 });
}

function prune(latest: string): void {
  const home = rackStateDir("snapshots");
  const others = readdirSync(home)
    .map((name) => join(home, name))
    .filter((path) => path !== latest && !path.endsWith(".new"))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const path of others.slice(KEPT - 1)) rmSync(path, { recursive: true, force: true });
}
