import { existsSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { lastLines, runningPid, startDaemon, stopDaemon } from "../daemon.ts";
import { RackError } from "../errors.ts";
import { privateDir } from "../paths.ts";
import type { NodeFiles } from "./files.ts";

/**
 * Starts the node's TPM 2.0 emulator, to which QEMU connects. Its state is kept with the node's disks: a
 * reset node has another TPM, as a replaced machine would. It ends when QEMU does.
 */
export async function startTpm(files: NodeFiles): Promise<void> {
  await stopTpm(files);
  rmSync(files.tpmSocket, { force: true });
  startDaemon({
    argv: [
      "swtpm",
      "socket",
      "--tpm2",
      ...["--tpmstate", `dir=${privateDir(files.tpmState)},mode=0600`],
      ...["--ctrl", `type=unixio,path=${files.tpmSocket}`],
      "--terminate",
    ],
    pidFile: files.tpmPid,
    logFile: files.tpmLog,
    cwd: files.dir,
  });
  for (let waitedMs = 0; !existsSync(files.tpmSocket); waitedMs += 20) {
    if (waitedMs > 5000 || runningPid(files.tpmPid) === undefined)
      throw new RackError(
        `${files.name}: the TPM emulator (swtpm) did not start\n${lastLines(files.tpmLog)}`,
      );
    await sleep(20);
  }
}

export async function stopTpm(files: NodeFiles): Promise<void> {
  await stopDaemon(files.tpmPid, { graceSeconds: 3 });
}
