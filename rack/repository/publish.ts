import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { keyOf } from "../cache.ts";
import type { Progress } from "../errors.ts";
import { withLock } from "../lock.ts";
import { rackStateDir } from "../paths.ts";
import { run } from "../run.ts";
import { needTools } from "../tools.ts";
import { clearSigned, repositoryKey } from "./signing.ts";

/**
 * Makes one signed apt repository (flat: `Suites: ./`) of folders of .deb files and returns its folder.
 * A folder's path must change with its content, as cached ones do: the same paths are the same repository.
 * Nodes see the old or the new one, never half: `current` is switched by a rename.
 */
export async function publishRepository(folders: readonly string[], tell: Progress): Promise<string> {
  const home = rackStateDir("repository");
  const signedBy = await repositoryKey(tell);
  const version = join(home, keyOf({ folders, signedBy, layout: 1 }));
  await withLock(join(rackStateDir("locks"), ".repository"), tell, async () => {
    if (!existsSync(version)) await make(folders, version, tell);
    switchTo(home, version);
    for (const old of readdirSync(home).map((name) => join(home, name)))
      if (old !== version && !old.endsWith("current")) rmSync(old, { recursive: true, force: true });
  });
  return join(home, "current");
}

async function make(folders: readonly string[], version: string, tell: Progress): Promise<void> {
  await needTools(["apt-ftparchive"], tell);
  const partial = `${version}.new`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(join(partial, "pool"), { recursive: true });
  for (const folder of folders)
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".deb")))
      link(join(folder, name), join(partial, "pool", name));
  const packages = await run(["apt-ftparchive", "packages", "pool"], { cwd: partial });
  writeFileSync(join(partial, "Packages"), packages);
  writeFileSync(join(partial, "Packages.gz"), gzipSync(packages));
  const release = await run(
    [
      "apt-ftparchive",
      ...["-o", "APT::FTPArchive::Release::Origin=racksmith-rack"],
      ...["-o", "APT::FTPArchive::Release::Label=racksmith virtual rack"],
      ...["-o", "APT::FTPArchive::Release::Suite=rack"],
      "release",
      ".",
    ],
    { cwd: partial },
  );
  writeFileSync(join(partial, "InRelease"), await clearSigned(release, tell));
  renameSync(partial, version);
  const count = packages.match(/^Package: /gm)?.length ?? 0;
  tell(`package repository: ${count} packages, signed`);
}

function link(from: string, to: string): void {
  rmSync(to, { force: true });
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

function switchTo(home: string, version: string): void {
  const next = join(home, ".next");
  rmSync(next, { force: true });
  symlinkSync(version, next);
  renameSync(next, join(home, "current"));
}

/** The names in a published repository; for tests and `rack status`. */
export function publishedPackages(repository: string): string[] {
  const text = readFileSync(join(repository, "Packages"), "utf8");
  return [...text.matchAll(/^Package: (.+)$/gm)].map(([, name = ""]) => name);
}
