import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BaseImage } from "../image/build.ts";
import type { DiskSpec, NodeSpec } from "../nodes/types.ts";
import { run } from "../run.ts";
import type { NodeFiles } from "./files.ts";
import { SYSTEM_DISK } from "./qemu.ts";

/** What a machine boots, beside its disks. Both paths lie in the machine's own folder. */
export const KERNEL = "vmlinuz";
export const INITRD = "initrd.img";
const BASE = "base.qcow2";

/** Makes a new machine: an overlay over the base image and empty data disks. All or nothing. */
export async function createMachine(spec: NodeSpec, files: NodeFiles, image: BaseImage): Promise<void> {
  const partial = `${files.machine}.new`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o700 });
  keep(image.root, join(partial, BASE));
  keep(image.kernel, join(partial, KERNEL));
  keep(image.initrd, join(partial, INITRD));
  await overlay(BASE, join(partial, `${SYSTEM_DISK}.qcow2`));
  for (const disk of spec.disks) await createDisk(disk, join(partial, `${disk.serial}.qcow2`));
  renameSync(partial, files.machine);
}

export function machineExists(files: NodeFiles): boolean {
  return existsSync(files.machine);
}

/** Throws the machine away: disks, TPM and all. */
export function discardMachine(files: NodeFiles): void {
  rmSync(files.machine, { recursive: true, force: true });
  rmSync(files.console, { force: true });
}

/** A qcow2 file that holds what differs from `backing`, a file beside it. */
export async function overlay(backing: string, file: string): Promise<void> {
  await run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", backing, file]);
}

/**
 * A hard link where it can be, else a copy: the cache may be deleted at any time, and a node must not lose
 * the ground under its disks by that.
 */
export function keep(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

async function createDisk(disk: DiskSpec, file: string): Promise<void> {
  if (disk.content === undefined) {
    await run(["qemu-img", "create", "-q", "-f", "qcow2", file, `${disk.sizeMiB}M`]);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "racksmith-disk-"));
  try {
    const content = join(folder, "content");
    const raw = join(folder, "raw");
    mkdirSync(content);
    writeFileSync(
      join(content, "ledger.txt"),
      "Somebody's data. No tool may wipe this disk unless told its serial.\n",
    );
    await run(["mke2fs", "-q", "-t", "ext4", "-L", "ledger", "-d", content, raw, `${disk.sizeMiB}M`]);
    await run(["qemu-img", "convert", "-O", "qcow2", raw, file]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
