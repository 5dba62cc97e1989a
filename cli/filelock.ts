import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { CliError } from "./errors.ts";
import { makeDir } from "./paths.ts";
import { step } from "./progress.ts";

/**
 * Runs `work` while holding an exclusive lock on the file at `path`. The kernel frees the lock when this process
 * ends, however it ends, so there is no stale lock to recover from. Says so when it has to wait.
 */
export async function withLock<T>(path: string, what: string, work: () => Promise<T>): Promise<T> {
  makeDir(dirname(path));
  const fd = openSync(path, "a", 0o600);
  try {
    if (!(await flock(fd, ["-n"]))) {
      await step(`waiting for another racksmith: ${what}`, () => flock(fd, []));
    }
    return await work();
  } finally {
    closeSync(fd);
  }
}

// flock(1) locks the open file it inherits from us, so the lock is ours and outlives it. Node opens files
// close-on-exec, so no other child keeps it.
function flock(fd: number, options: string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn("flock", [...options, "3"], { stdio: ["ignore", "ignore", "inherit", fd] });
    child.on("error", () => reject(new CliError("flock: not found on PATH; it is part of util-linux")));
    child.on("close", (status) => resolve(status === 0));
  });
}
