import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cached } from "../cache.ts";
import { type Progress, RackError } from "../errors.ts";
import { debianSources, sourceLine } from "../mirror.ts";
import { run } from "../run.ts";
import { DEBIAN_KEYRING, needTools } from "../tools.ts";
import type { ImageRecipe } from "./recipe.ts";

/** A base image, ready to boot. All paths are absolute and lie in the cache. */
export interface BaseImage {
  /** qcow2 with one ext4 filesystem labelled `root`, no partition table. */
  root: string;
  kernel: string;
  initrd: string;
  /** dpkg's status file: what apt on a fresh node believes is installed. */
  dpkgStatus: string;
  /** Release of the kernel, as `uname -r` says. */
  kernelRelease: string;
}

/** Raised when this builder changes what it makes of the same recipe. */
const BUILDER = 1;

/** The base image of a recipe, built when the cache lacks it (under a minute). */
export async function baseImage(recipe: ImageRecipe, tell: Progress): Promise<BaseImage> {
  const dir = await cached(
    {
      kind: "image",
      recipe: { builder: BUILDER, ...recipe },
      title: `base image of a bare Debian server (${recipe.suite})`,
      build: (into) => build(recipe, into, tell),
    },
    tell,
  );
  const kernelRelease = readdirSync(dir)
    .find((name) => name.startsWith("vmlinuz-"))
    ?.slice("vmlinuz-".length);
  if (kernelRelease === undefined)
    throw new RackError(`${dir}: this base image holds no kernel; delete the folder and try again`);
  return {
    root: join(dir, "root.qcow2"),
    kernel: join(dir, `vmlinuz-${kernelRelease}`),
    initrd: join(dir, `initrd.img-${kernelRelease}`),
    dpkgStatus: join(dir, "dpkg-status"),
    kernelRelease,
  };
}

async function build(recipe: ImageRecipe, into: string, tell: Progress): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new RackError(
      "building the base image needs root (files of the image belong to it); run this once with sudo",
    );
  await needTools(["mmdebstrap", "mke2fs", "qemu-img", DEBIAN_KEYRING], tell);
  const root = join(into, "root");
  const files = join(into, "files");
  const finish = join(into, "finish.sh");
  writeFiles(files, recipe);
  writeFileSync(finish, `set -e\n${recipe.finish}`);
  tell(`  installing ${recipe.suite} with ${recipe.packages.length} packages`);
  await run(
    [
      "mmdebstrap",
      "--mode=root",
      "--variant=minbase",
      "--format=directory",
      '--aptopt=Acquire::Languages "none"',
      "--aptopt=APT::Sandbox::User root",
      `--include=${recipe.packages.join(",")}`,
      `--customize-hook=cp -r --no-preserve=ownership -- '${files}/.' "$1/"`,
      `--customize-hook=chroot "$1" sh -e -s <'${finish}'`,
      recipe.suite,
      root,
      ...(await debianSources(recipe.suite)).map(sourceLine),
    ],
    { logFile: join(dirname(into), "build.log") },
  );
  tell("  making its filesystem");
  await run([
    "sh",
    "-ec",
    'cp "$1"/boot/vmlinuz-* "$1"/boot/initrd.img-* "$2"/ && cp "$1/var/lib/dpkg/status" "$2/dpkg-status"',
    "sh",
    root,
    into,
  ]);
  const raw = join(into, "root.raw");
  await run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", root, raw, `${recipe.rootSizeGiB}G`]);
  await run(["qemu-img", "convert", "-O", "qcow2", raw, join(into, "root.qcow2")]);
  for (const leftover of [root, files, finish, raw]) await rm(leftover, { recursive: true, force: true });
}

function writeFiles(dir: string, recipe: ImageRecipe): void {
  for (const [path, { mode, text }] of Object.entries(recipe.files)) {
    const file = join(dir, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(file, text);
    chmodSync(file, Number.parseInt(mode, 8));
  }
}
