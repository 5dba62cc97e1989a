import { createWriteStream } from "node:fs";
import { ExecaError, execa, type Options } from "execa";
import { RackError } from "./errors.ts";

/** Settings of one command on the workstation. */
export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Text for its stdin; secrets travel here, never in `argv`. */
  input?: string;
  /** Appends stdout and stderr to this file, so that a failed long step can be read up. */
  logFile?: string;
  /** Bound in seconds; default none. */
  timeoutSeconds?: number;
}

/** Runs a command and returns its stdout. A failure names the command, its exit status and its last lines. */
export async function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<string> {
  const [file, ...args] = argv;
  const settings: Options = {
    stdin: "pipe",
    input: options.input ?? "",
    maxBuffer: 64 * 1024 * 1024,
    env: { LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive", ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.timeoutSeconds === undefined ? {} : { timeout: options.timeoutSeconds * 1000 }),
  };
  const child = execa(file, args, settings);
  if (options.logFile !== undefined) {
    const log = createWriteStream(options.logFile, { flags: "a", mode: 0o600 });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    child.finally(() => log.end()).catch(() => undefined);
  }
  try {
    return String((await child).stdout ?? "");
  } catch (error) {
    throw explained(file, error, options);
  }
}

function explained(file: string, error: unknown, options: RunOptions): Error {
  if (!(error instanceof ExecaError)) return error instanceof Error ? error : new Error(String(error));
  if (error.code === "ENOENT")
    return new RackError(`${file}: this command is not there; install it and try again`);
  const output = `${error.stdout ?? ""}\n${error.stderr ?? ""}`.trim().split("\n").slice(-15).join("\n");
  const how = error.timedOut
    ? `did not end within ${options.timeoutSeconds} s`
    : error.signal
      ? `was ended by ${error.signal}`
      : `exited with ${error.exitCode}`;
  const full = /No space left on device/.test(output)
    ? "\nThe disk is full: free some space and try again."
    : "";
  const log = options.logFile === undefined ? "" : `\nThe whole output: ${options.logFile}`;
  return new RackError(`${file} ${how}\n${output}${full}${log}`);
}
