import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { lastLines, runningPid } from "../daemon.ts";
import { type Progress, RackError } from "../errors.ts";
import { clientKey, hostKey } from "../keys.ts";
import { banner } from "../ports.ts";
import { run } from "../run.ts";
import { type NodeFiles, nodeFiles, readRecord } from "./files.ts";

export const LOGIN_USER = "ops";

/** ssh's command line for a node, with its host key pinned. `remote` goes through the node's shell, as with ssh. */
export async function sshArgv(
  name: string,
  remote: readonly string[],
  tell: Progress,
): Promise<[string, ...string[]]> {
  const files = nodeFiles(name);
  const port = sshPort(name);
  const key = await clientKey(tell);
  writeFileSync(files.knownHosts, `${name} ${(await hostKey(name, tell)).public}\n`);
  const options = {
    IdentitiesOnly: "yes",
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    HostKeyAlias: name,
    UserKnownHostsFile: `"${files.knownHosts}"`,
    GlobalKnownHostsFile: "none",
    ConnectTimeout: "20",
    LogLevel: "ERROR",
  };
  return [
    "ssh",
    ...["-F", "none", "-i", key.file, "-p", `${port}`],
    ...Object.entries(options).flatMap(([option, value]) => ["-o", `${option}=${value}`]),
    `${LOGIN_USER}@127.0.0.1`,
    ...(remote.length === 0 ? [] : ["--", ...remote]),
  ];
}

/** Runs a command on the node by ssh on this terminal and returns its exit status; without one, a shell. */
export async function sshInteractive(
  name: string,
  remote: readonly string[],
  tell: Progress,
): Promise<number> {
  const [file, ...args] = await sshArgv(name, remote, tell);
  const terminal = process.stdin.isTTY && process.stdout.isTTY ? ["-t"] : [];
  const child = spawn(file, [...terminal, ...args], { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? (signal === null ? 1 : 130)));
  });
}

/** Runs a command on the node and returns its stdout; for tests and for the rack itself. */
export async function onNode(name: string, command: string, timeoutSeconds = 120): Promise<string> {
  return run(await sshArgv(name, [command], () => undefined), { timeoutSeconds });
}

/** Waits until the node lets its user in. Fails early when QEMU ends, and late with the console's last lines. */
export async function waitForSsh(name: string, timeoutSeconds: number, tell: Progress): Promise<void> {
  const files = nodeFiles(name);
  const port = sshPort(name);
  const start = Date.now();
  let said = start;
  for (;;) {
    if (runningPid(files.qemuPid) === undefined)
      throw new RackError(`${name}: QEMU ended before the node answered\n${lastLines(files.qemuLog)}`);
    if ((await banner(port, 5000))?.startsWith("SSH-") && (await letsIn(name))) break;
    if (Date.now() - start > timeoutSeconds * 1000) throw silent(name, files, port, timeoutSeconds);
    if (Date.now() - said > 15_000) {
      said = Date.now();
      tell(
        `${name}: booting for ${Math.round((said - start) / 1000)} s: ${lastLines(files.console, 1).slice(0, 90)}`,
      );
    }
    await sleep(500);
  }
}

async function letsIn(name: string): Promise<boolean> {
  return onNode(name, "true", 60).then(
    () => true,
    () => false,
  );
}

function silent(name: string, files: NodeFiles, port: number, seconds: number): RackError {
  return new RackError(
    `${name}: no SSH login on 127.0.0.1:${port} within ${seconds} s. The end of its console (${files.console}):\n` +
      lastLines(files.console),
  );
}

function sshPort(name: string): number {
  const port = readRecord(name)?.ports.ssh;
  if (port === undefined) throw new RackError(`${name}: never started; run \`racksmith rack up ${name}\``);
  return port;
}
