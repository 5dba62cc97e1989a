import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

/** Where scripts are installed on a node. */
export const NODE_LIBRARY = "/usr/lib/racksmith";

export interface Scripts {
  /** Of every path, mode and byte: the folder's name on the node. */
  hash: string;
  /** Path of the dispatcher on the node. */
  run: string;
  /** The gzipped tar, made when a node lacks it. */
  archive(): Promise<Buffer>;
  /** POSIX shell that installs the archive from stdin. */
  install: string;
}

/** Where the scripts are in a checkout. */
export const SCRIPTS_FOLDER = fileURLToPath(new URL("../../ansible-free-scripts/", import.meta.url));

/** Reads the folder of scripts once. `library` moves the target on the node, for tests only. */
export async function loadScripts(folder = SCRIPTS_FOLDER, library = NODE_LIBRARY): Promise<Scripts> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith(".") && !entry.name.endsWith(".md"))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
  const files = await Promise.all(
    paths.map(async (name) => ({ name, mode: modeOf(name), body: await readFile(join(folder, name)) })),
  );
  const hash = createHash("sha256");
  for (const { name, mode, body } of files) hash.update(`${name}\0${mode}\0${body.length}\0`).update(body);
  const version = hash.digest("hex").slice(0, 16);
  return {
    hash: version,
    run: `${library}/${version}/run`,
    archive: () => packed(files),
    install: installCommand(library, version),
  };
}

/** Not the checkout's mode: that depends on umask and on how it was unpacked. */
function modeOf(name: string): number {
  return name === "run" || /\/(observe|apply|remove)\.sh$/.test(name) ? 0o755 : 0o644;
}

async function packed(files: readonly { name: string; mode: number; body: Buffer }[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, mode, body } of files) tar.entry({ name, mode, mtime: new Date(0) }, body);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(Buffer.from(chunk));
  return gzipSync(Buffer.concat(chunks));
}

/**
 * Unpacked beside, synced, renamed: a cut leaves nothing that counts as installed. Exit 70 to 73 say what the
 * machine lacks. The last three versions stay, for acts that still run from them. Another workstation may be doing
 * the same: only what is an hour old is a leftover.
 */
function installCommand(library: string, hash: string): string {
  return `set -eu
[ "$(uname -s)" = Linux ] || exit 70
command -v bash >/dev/null || exit 71
command -v tar >/dev/null && command -v gzip >/dev/null || exit 72
[ -d /run/systemd/system ] || [ -n "\${RACKSMITH_RUN:-}" ] || exit 73
d=${library}
umask 022
mkdir -p "$d"
find "$d" -maxdepth 1 -name '.new.*' -mmin +60 -exec rm -rf {} +
n=$(mktemp -d "$d/.new.XXXXXX")
tar -xzf - -C "$n" --no-same-owner
find "$n" -type f -exec sync {} +
chmod 755 "$n"
[ -e "$d/${hash}" ] || mv -T "$n" "$d/${hash}" || [ -e "$d/${hash}" ]
rm -rf "$n"
touch "$d/${hash}"
ln -sfn ${hash} "$d/.current.$$" && mv -fT "$d/.current.$$" "$d/current"
sync "$d"
ls -1t "$d" | grep -E '^[0-9a-f]{16}$' | tail -n +4 | while read -r o; do rm -rf "$d/$o"; done`;
}
