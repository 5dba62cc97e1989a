import { spawn } from "node:child_process";
import { CliError, exitCodes } from "../errors.ts";
import { note } from "../progress.ts";
import type { Stack } from "./pulumi.ts";

export type Operation = "up" | "preview" | "refresh" | "destroy";

export interface OperateOptions {
  /** Ask nothing; without it the engine shows a preview and asks. */
  yes: boolean;
  /** Further arguments for the engine, as they are. */
  more: readonly string[];
}

/** The engine's arguments for one operation. */
export function operationArgs(
  operation: Operation,
  stack: Pick<Stack, "name" | "configFile">,
  options: OperateOptions,
) {
  const unasked = operation === "preview" ? [] : options.yes ? ["--yes", "--skip-preview"] : [];
  // refresh and destroy also read the configuration: the provider's settings are in it.
  return [operation, "--stack", stack.name, "--config-file", stack.configFile, ...unasked, ...options.more];
}

/**
 * Runs the engine with its live output. A first Ctrl-C makes it end what runs and keep its state; a second one makes
 * it drop everything. Under `yes` only the first is passed on. An engine that asks shares the terminal, which sends
 * every Ctrl-C to it as well: there it is said beforehand what a second one does.
 */
export async function operate(operation: Operation, stack: Stack, options: OperateOptions): Promise<void> {
  // An asking engine must be in the terminal's foreground, where Ctrl-C reaches it without us.
  const shared = !options.yes && operation !== "preview" && process.stdin.isTTY === true;
  const child = spawn(stack.engine.pulumi, operationArgs(operation, stack, options), {
    cwd: stack.cwd,
    env: stack.env,
    stdio: [shared ? "inherit" : "ignore", "inherit", "inherit"],
    detached: !shared,
  });
  let reached = 0;
  const interrupt = (signal: NodeJS.Signals) => {
    const byTerminal = shared && signal === "SIGINT";
    if (reached > 0 && !byTerminal) {
      note(`already ending; to drop everything at once: kill -9 ${child.pid}`);
      return;
    }
    reached++;
    if (reached > 1) {
      note(`${signal} again: the engine drops what is under way; the next up recovers`);
      return;
    }
    const warning = shared ? "; a second Ctrl-C drops what is under way: the next up then recovers" : "";
    note(`${signal}: ending cleanly what runs on the hosts${warning}`);
    if (!byTerminal) child.kill("SIGINT");
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (...ended) => resolve(ended));
    });
    if (status === 0) return;
    if (reached > 0)
      throw new CliError(
        `${operation} ${stack.name}: interrupted; run it again to finish`,
        exitCodes.interrupted,
      );
    const how = signal ? `the engine was killed (${signal})` : `failed (exit ${status})`;
    throw new CliError(`${operation} ${stack.name}: ${how}`, exitCodes.failed);
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}
