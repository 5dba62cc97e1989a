import { spawn } from "node:child_process";
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
    signal,
  });
  const ended = once(child, "close");
  ended.catch(() => undefined);
  child.stdin.on("error", () => undefined); // a command may end without reading its stdin
  child.stdin.end(inputs.stdin ?? "");
  const { ran, combined } = await collect(child, inputs.logging, log);
  const [code, killedBy] = await ended;
  if (code !== 0)
    throw new Error(`${killedBy ?? `exit status ${code}`}: running ${JSON.stringify(command)}:\n${combined}`);
  return ran;
}
