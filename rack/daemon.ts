import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { RackError } from "./errors.ts";

/** A process that outlives this one. `pidFile` says which; its start time guards against a reused number. */
export interface Daemon {
  argv: readonly [string, ...string[]];
  pidFile: string;
  /** stdout and stderr, started anew with the process. */
  logFile: string;
  cwd: string;
}

/** Starts a detached process and records it. The caller makes sure that none is running. */
export function startDaemon(daemon: Daemon): number {
  const [file, ...args] = daemon.argv;
  const log = openSync(daemon.logFile, "w", 0o600);
  try {
    const child = spawn(file, args, { detached: true, stdio: ["ignore", log, log], cwd: daemon.cwd });
    // Its absence shows below; without a listener the event would end this process.
    child.once("error", () => undefined);
    child.unref();
    if (child.pid === undefined)
      throw new RackError(`${file}: could not be started; is it installed and is there memory left?`);
    writeFileSync(daemon.pidFile, `${child.pid} ${startOf(child.pid) ?? ""}\n`);
    return child.pid;
  } finally {
    closeSync(log);
  }
}

/** The process number while it is the very process that was recorded, else nothing. */
export function runningPid(pidFile: string): number | undefined {
  let recorded: string;
  try {
    recorded = readFileSync(pidFile, "utf8").trim();
  } catch {
    return undefined;
  }
  const [number = "", start = ""] = recorded.split(" ");
  const pid = Number(number);
  return Number.isInteger(pid) && pid > 1 && start !== "" && startOf(pid) === start ? pid : undefined;
}

/** Ends it: politely first unless `signal` is SIGKILL, for certain after `graceSeconds`. */
export async function stopDaemon(
  pidFile: string,
  { signal = "SIGTERM", graceSeconds = 10 }: { signal?: "SIGTERM" | "SIGKILL"; graceSeconds?: number } = {},
): Promise<void> {
  const pid = runningPid(pidFile);
  if (pid !== undefined) {
    process.kill(pid, signal);
    if (!(await goneWithin(pidFile, graceSeconds))) {
      process.kill(pid, "SIGKILL");
      await goneWithin(pidFile, 30);
    }
  }
  rmSync(pidFile, { force: true });
}

/** Whether the recorded process ended within the time. */
export async function goneWithin(pidFile: string, seconds: number): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  while (runningPid(pidFile) !== undefined) {
    if (Date.now() > deadline) return false;
    await sleep(50);
  }
  return true;
}

/**
 * Start time in clock ticks since the workstation booted: field 22 of /proc/PID/stat. A zombie counts as gone
 * once its last thread is: until then it holds its files and ports.
 */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const dead = fields[0] === "Z" && readdirSync(`/proc/${pid}/task`).length <= 1;
    return dead ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The last lines of a log, without a terminal's colours and cursor movements, for an error message. */
export function lastLines(file: string, count = 20): string {
  try {
    const text = stripVTControlCharacters(readFileSync(file, "utf8")).replaceAll("\r", "");
    return text.trimEnd().split("\n").slice(-count).join("\n");
  } catch {
    return "(nothing was written)";
  }
}
