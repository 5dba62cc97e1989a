import { readFileSync } from "node:fs";
import { join } from "node:path";
import { accelerator } from "../accel.ts";
import { goneWithin, lastLines, runningPid, startDaemon, stopDaemon } from "../daemon.ts";
import { type Progress, RackError } from "../errors.ts";
import { baseImage } from "../image/build.ts";
import { TRIXIE } from "../image/recipe.ts";
import { clientKey, hostKey } from "../keys.ts";
import { withLock } from "../lock.ts";
import { nodeSpec } from "../nodes/index.ts";
import type { NodeSpec } from "../nodes/types.ts";
import { rackStateDir } from "../paths.ts";
import { freePorts } from "../ports.ts";
import { needTools } from "../tools.ts";
import { createMachine, discardMachine, INITRD, KERNEL, machineExists } from "./disks.ts";
import { type NodeFiles, namedPorts, nodeFiles, portsOfOthers, readRecord, writeRecord } from "./files.ts";
import { qemuArgv } from "./qemu.ts";
import { qmp } from "./qmp.ts";
import { type SeedFile, writeSeed } from "./seed.ts";
import { waitForSsh } from "./ssh.ts";
import { startTpm, stopTpm } from "./tpm.ts";

/** Emulated, a first boot takes 20 to 40 s on an idle machine; other work beside it stretches that. */
const BOOT_TIMEOUT_SECONDS = 600;
const SHUTDOWN_TIMEOUT_SECONDS = 90;

export interface StartOptions {
  /** Files that the site puts on its machines: package sources, certificates. */
  site: readonly SeedFile[];
  tell: Progress;
  bootTimeoutSeconds?: number;
}

/** Boots the node unless it runs, and waits until it can be logged in to. Disks are made at the first start. */
export async function startNode(name: string, options: StartOptions): Promise<void> {
  const files = nodeFiles(name);
  const spec = nodeSpec(name);
  await withLock(files.lock, options.tell, async () => {
    if (runningPid(files.qemuPid) === undefined) await boot(spec, files, options);
    await waitForSsh(name, options.bootTimeoutSeconds ?? BOOT_TIMEOUT_SECONDS, options.tell);
  });
}

/** Shuts the guest down as a power button does; pulls the plug when it does not end. Disks stay. */
export async function stopNode(name: string, tell: Progress): Promise<void> {
  const files = nodeFiles(name);
  await withLock(files.lock, tell, async () => {
    if (runningPid(files.qemuPid) !== undefined) {
      tell(`${name}: shutting down`);
      await qmp(files.qmpSocket, "system_powerdown").catch((error: Error) => tell(error.message));
      if (!(await goneWithin(files.qemuPid, SHUTDOWN_TIMEOUT_SECONDS)))
        tell(`${name}: did not shut down within ${SHUTDOWN_TIMEOUT_SECONDS} s, pulling the plug`);
    }
    await unplug(files);
  });
}

/** Ends QEMU and the TPM at once, as when the power goes, and boots again from the same disks and TPM. */
export async function powerCut(name: string, options: StartOptions): Promise<void> {
  const files = nodeFiles(name);
  if (runningPid(files.qemuPid) === undefined)
    throw new RackError(
      `${name}: is not running, so there is no power to cut; run \`racksmith rack up ${name}\``,
    );
  await unplug(files);
  options.tell(`${name}: power cut`);
  await startNode(name, options);
}

/** Cuts the power and leaves it off. */
export async function unplugNode(name: string): Promise<void> {
  await unplug(nodeFiles(name));
}

/** Throws the machine away; its next start is a bare server with the same host key. */
export async function resetNode(name: string, tell: Progress): Promise<void> {
  const files = nodeFiles(nodeSpec(name).name);
  await withLock(files.lock, tell, async () => {
    await unplug(files);
    discardMachine(files);
    tell(`${name}: disks and TPM thrown away; the next start is a bare server`);
  });
}

async function unplug(files: NodeFiles): Promise<void> {
  await stopDaemon(files.qemuPid, { signal: "SIGKILL" });
  await stopTpm(files);
}

async function boot(spec: NodeSpec, files: NodeFiles, { site, tell }: StartOptions): Promise<void> {
  await needTools(["qemu-system-x86_64", "qemu-img", "swtpm", "ssh", "ssh-keygen", "mke2fs"], tell);
  if (!machineExists(files)) await createMachine(spec, files, await baseImage(TRIXIE, tell));
  const kernel = join(files.machine, KERNEL);
  const host = await hostKey(spec.name, tell);
  const client = await clientKey(tell);
  const firmwareFiles = writeSeed(
    spec,
    { hostPrivateKey: readFileSync(host.file, "utf8"), clientPublicKey: client.public, site },
    files.dir,
  );
  const accel = await accelerator(kernel, tell);
  // Between choosing ports and listening on them, no other node may choose.
  await withLock(join(rackStateDir("locks"), ".ports"), tell, async () => {
    const before = readRecord(spec.name)?.ports ?? {};
    const chosen = await freePorts(
      spec.ports.map((port) => before[port.name]),
      portsOfOthers(spec.name),
    );
    const ports = namedPorts(spec, chosen);
    writeRecord(spec.name, { ports, accelerator: accel, startedAt: new Date().toISOString() });
    await startTpm(files);
    tell(`${spec.name}: booting (${spec.vcpus} CPUs, ${spec.memoryMiB} MiB, ${accel})`);
    const initrd = join(files.machine, INITRD);
    startDaemon({
      argv: qemuArgv({ spec, files, ports, accelerator: accel, kernel, initrd, firmwareFiles }),
      pidFile: files.qemuPid,
      logFile: files.qemuLog,
      cwd: files.dir,
    });
    if (await goneWithin(files.qemuPid, 1)) {
      await stopTpm(files);
      throw new RackError(`${spec.name}: QEMU did not start\n${lastLines(files.qemuLog)}`);
    }
  });
}
