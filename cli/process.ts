import { spawn } from "node:child_process";
import { CliError } from "./errors.ts";

export interface Result {
  /** Exit status; 128 + signal number is not used: a signal is in `signal`. */
  status: number;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Written to stdin, which is then closed. Secrets travel here, never in args. */
  input?: string;
  /** Called with each line the command prints, on either stream. */
  onLine?: (line: string) => void;
  timeoutSeconds?: number;
}

/** Runs a command and collects what it prints. A status other than 0 is a result; a missing command throws. */
export function capture(command: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["pipe", "pipe", "pipe"],
      timeout: (options.timeoutSeconds ?? 0) * 1000,
      killSignal: "SIGKILL",
    });
    const collect = (stream: NodeJS.ReadableStream) => {
      const kept = { text: "" };
      let partial = "";
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => {
        kept.text += chunk;
        if (!options.onLine) return;
        const lines = (partial + chunk).split("\n");
        partial = lines.pop() ?? "";
        for (const line of lines) options.onLine(line);
      });
      return kept;
    };
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.stdin.on("error", () => {}); // a command that does not read its input is no error of ours
    child.stdin.end(options.input ?? "");
    child.on("error", (error: NodeJS.ErrnoException) =>
      reject(
        new CliError(
          error.code === "ENOENT" ? `${command}: not found on PATH` : `${command}: ${error.message}`,
        ),
      ),
    );
    child.on("close", (status, signal) =>
      resolve({ status: status ?? 1, signal, stdout: stdout.text, stderr: stderr.text }),
    );
  });
}

/** Like `capture`, but a status other than 0 throws with the last lines of what was printed. */
export async function must(what: string, command: string, args: readonly string[], options: RunOptions = {}) {
  const result = await capture(command, args, options);
  if (result.status === 0) return result;
  const said = lastLines(`${result.stdout}\n${result.stderr}`, 20);
  throw new CliError(
    `${what}: failed (${result.signal ?? `exit ${result.status}`})${said && `\n${indent(said)}`}${hint(said)}`,
  );
}

/** The advice for failures that look the same whatever the command was. */
export function hint(output: string): string {
  if (/no space left on device|ENOSPC|disk quota exceeded/i.test(output)) {
    return "\nThe disk is full. Free some space, or set RACKSMITH_CACHE (and TMPDIR) to a folder on a larger disk.";
  }
  if (
    /no such host|ENOTFOUND|EAI_AGAIN|network is unreachable|connection refused|ECONNREFUSED|i\/o timeout|ETIMEDOUT|proxyconnect/i.test(
      output,
    )
  ) {
    return "\nThe network did not answer. Point GOPROXY and npm's registry at a mirror that this machine reaches, and check HTTPS_PROXY.";
  }
  return "";
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n").trim();
}

export function indent(text: string, by = "  "): string {
  return text.replaceAll(/^/gm, by);
}
