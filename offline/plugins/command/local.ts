import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type LocalInputs, type LogLine, previousOutput, type Ran } from "./inputs.ts";
import { collect } from "./output.ts";

/**
 * Runs `command` on this machine as the official plugin does: by `interpreter` (default `/bin/sh -c`), in
 * `dir` (default: here), with this process's environment and the given one. Throws with both streams when
 * it ends with anything but 0.
 */
export async function runLocal(
  command: string,
  inputs: LocalInputs,
  previous: Ran | undefined,
  log: LogLine,
  signal: AbortSignal,
): Promise<Ran> {
  const [program = "/bin/sh", ...args] = inputs.interpreter?.length ? inputs.interpreter : ["/bin/sh", "-c"];
  const child = spawn(program, [...args, command], {
    cwd: inputs.dir,
    env: { ...process.env, ...inputs.environment, ...previousOutput(inputs, previous) },
    stdio: ["pipe", "pipe", "pipe"],
    // A process group of its own: what the command started ends with it.
    detached: true,
  });
  const ended = once(child, "close");
  ended.catch(() => undefined);
  const release = endWith(signal, child);
  child.stdin.on("error", () => undefined); // a command may end without reading its stdin
  child.stdin.end(inputs.stdin ?? "");
  const { ran, combined } = await collect(child, inputs.logging, log);
  const [code, killedBy] = await ended.finally(release);
  if (code !== 0)
    throw new Error(`${killedBy ?? `exit status ${code}`}: running ${JSON.stringify(command)}:\n${combined}`);
  return ran;
}

/** How long a command may take to end itself after SIGTERM. */
const GRACE_MS = 3_000;

/** Ends the command's whole process group when `signal` says so, or this process goes. Returns the undoing. */
function endWith(signal: AbortSignal, child: ChildProcess): () => void {
  const kill = (name: NodeJS.Signals) => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // Nothing of it is left.
    }
  };
  let late: NodeJS.Timeout | undefined;
  const onAbort = () => {
    kill("SIGTERM");
    late = setTimeout(() => kill("SIGKILL"), GRACE_MS);
  };
  const onExit = () => kill("SIGKILL");
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  process.once("exit", onExit);
  return () => {
    clearTimeout(late);
    signal.removeEventListener("abort", onAbort);
    process.removeListener("exit", onExit);
  };
}
