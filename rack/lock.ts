import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Progress, RackError } from "./errors.ts";

/**
 * Runs `work` while holding the lock `path`. The kernel's flock is held by a child that ends when this
 * process does, however it ends, so there is no stale lock. While another process holds it, says which.
 */
export async function withLock<T>(path: string, tell: Progress, work: () => Promise<T>): Promise<T> {
  const release = await acquire(path, tell);
  try {
    return await work();
  } finally {
    release();
  }
}

async function acquire(path: string, tell: Progress): Promise<() => void> {
  mkdirSync(dirname(path), { recursive: true });
  const holder = spawn("flock", ["--no-fork", path, "sh", "-c", "echo held; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const waiting = setTimeout(() => tell(`waiting for another racksmith${ownerOf(path)}: ${path}`), 500);
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once("data", () => resolve());
      holder.once("error", (error) =>
        reject(new RackError(`flock (package util-linux) could not be run: ${error.message}`)),
      );
      holder.once("exit", (code) =>
        reject(new RackError(`${path}: cannot be locked (flock exited with ${code})`)),
      );
    });
  } finally {
    clearTimeout(waiting);
  }
  writeFileSync(path, `${process.pid}\n`);
  return () => holder.stdin.end();
}

function ownerOf(path: string): string {
  try {
    const pid = readFileSync(path, "utf8").trim();
    return pid === "" ? "" : ` (process ${pid})`;
  } catch {
    return "";
  }
}
