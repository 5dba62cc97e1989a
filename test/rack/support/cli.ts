import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url));

/** How a run of `./racksmith` ended, and what it printed on either stream. */
export interface Ran {
  code: number | null;
  output: string;
  seconds: number;
}

export interface CliOptions {
  /** Beside this process's own environment. */
  env?: NodeJS.ProcessEnv;
  /** Default 1500. A run that takes longer is killed, and its code is null. */
  timeoutSeconds?: number;
  /** Called with what arrives, as it arrives. */
  onOutput?: (text: string) => void;
}

/** Runs `./racksmith ARGS`, as a person would. */
export function racksmith(args: readonly string[], options: CliOptions = {}): Promise<Ran> {
  return startRacksmith(args, options).ran;
}

/** Starts `./racksmith ARGS` as the leader of a process group, so that a test can kill the whole or a part of it. */
export function startRacksmith(args: readonly string[], options: CliOptions = {}) {
  const start = Date.now();
  const child = spawn(`${CHECKOUT}racksmith`, [...args], {
    cwd: CHECKOUT,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    timeout: (options.timeoutSeconds ?? 1500) * 1000,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      options.onOutput?.(text);
    });
  }
  const ran = new Promise<Ran>((resolve) => {
    const seconds = () => (Date.now() - start) / 1000;
    child.once("error", (error) => resolve({ code: null, output: String(error), seconds: seconds() }));
    child.once("close", (code) => resolve({ code, output, seconds: seconds() }));
  });
  return { child, ran };
}
