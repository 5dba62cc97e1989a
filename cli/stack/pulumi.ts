import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { Engine } from "../engine/prepare.ts";
import { CliError, exitCodes } from "../errors.ts";
import { checkout } from "../paths.ts";
import { capture, lastLines } from "../process.ts";
import { note } from "../progress.ts";
import { fileBackendDir, lockFolder } from "./backend.ts";
import { describePending, halfMadeContainers, removeHalfMade } from "./half-made.ts";
import { recoverLocks } from "./locks.ts";
import { type Exported, parseExport, pendingOf, resourcesOf, withoutPending } from "./state.ts";

/** One stack, and the engine that runs it. */
export interface Stack {
  name: string;
  /** Absolute path of its configuration. */
  configFile: string;
  engine: Engine;
  env: NodeJS.ProcessEnv;
  /** Where the program is; a test may have another. */
  cwd: string;
}

/** Checks that the name can be a stack's, and that its configuration is there. */
export function openStack(name: string, engine: Engine, configFile?: string, cwd = checkout): Stack {
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(name)) {
    throw new CliError(
      `stack ${JSON.stringify(name)}: wanted letters, digits, "-", "_" and ".", at most 100`,
    );
  }
  const file = configFile ?? join(cwd, `Pulumi.${name}.yaml`);
  if (!existsSync(file)) {
    throw new CliError(
      `${file}: not found. Copy an example (ls examples) to this name and edit it, or try a virtual server: ` +
        `./racksmith up entry-4090 --rack`,
    );
  }
  return { name, configFile: file, engine, env: { ...process.env, ...engine.env }, cwd };
}

/** Runs a `pulumi` command about the stack that changes nothing on hosts, and collects what it prints. */
export async function ask(stack: Stack, args: readonly string[], input?: string): Promise<string> {
  const result = await capture(stack.engine.pulumi, [...args, "--stack", stack.name, "--non-interactive"], {
    cwd: stack.cwd,
    env: stack.env,
    ...(input === undefined ? {} : { input }),
  });
  if (result.status === 0) return result.stdout;
  throw new CliError(
    `pulumi ${args.slice(0, 2).join(" ")}: ${lastLines(result.stderr || result.stdout, 10)}`,
  );
}

/** The state as it is, secrets still encrypted; undefined when there is no such stack yet. */
export async function exportState(stack: Stack): Promise<Exported | undefined> {
  try {
    return parseExport(await ask(stack, ["stack", "export"]));
  } catch (error) {
    if (error instanceof CliError && error.message.includes("no stack named")) return undefined;
    throw error;
  }
}

/**
 * Makes the stack when there is none; else repairs what a killed run left: its lock, its pending operations.
 * With `look` (a preview) nothing is repaired but a lock that a dead process left.
 */
export async function readyStack(stack: Stack, look = false): Promise<Exported | undefined> {
  const backend = fileBackendDir(stack.env.PULUMI_BACKEND_URL);
  if (backend) await recoverLocks(lockFolder(backend, stack.name), stack.name);
  const state = await exportState(stack);
  if (!state) {
    await createStack(stack);
    return undefined;
  }
  if (pendingOf(state).length === 0) return state;
  if (look) {
    note(
      `${stack.name}: a run was killed, or is at work, while ${describePending(state)}; the next up sees to it`,
    );
    return state;
  }
  const halfMade = halfMadeContainers(state);
  if (halfMade.length > 0) await meetLock(stack, state);
  const unreached = await removeHalfMade(halfMade, stack.name);
  // An import drops all that is pending. The engine runs with it, and carries what was being created on.
  if (unreached.length > 0) return state;
  const repaired = withoutPending(state);
  await importState(stack, repaired);
  note(`${stack.name}: a run was killed while ${describePending(state)}; what is on the hosts decides now`);
  return repaired;
}

/**
 * Refuses (exit code 3) while a run holds the stack; nothing in the state changes. Where locks are not files, only a
 * command that writes meets them, and this is the one that keeps what is pending: the root is never protected.
 */
async function meetLock(stack: Stack, state: Exported): Promise<void> {
  const root = resourcesOf(state).find(({ type }) => type === "pulumi:pulumi:Stack");
  if (root) await underLock(stack, ["state", "unprotect", root.urn, "--yes"]);
}

/**
 * Puts this state in the place of the stack's, without what is pending: the engine drops that.
 * Refuses (exit code 3) while a run holds the stack.
 */
export async function importState(stack: Stack, state: Exported): Promise<void> {
  await underLock(stack, ["stack", "import"], JSON.stringify(state));
}

async function underLock(stack: Stack, args: readonly string[], input?: string): Promise<void> {
  try {
    await ask(stack, args, input);
  } catch (error) {
    if (!(error instanceof CliError) || !error.message.includes("currently locked")) throw error;
    throw new CliError(
      `${stack.name}: another run holds the stack.\n${error.message}\n` +
        `Wait for it to end. If you are sure that it is gone: pulumi cancel --stack ${stack.name}`,
      exitCodes.locked,
    );
  }
}

// The engine writes a salt beside the program, even when the configuration is elsewhere.
async function createStack(stack: Stack): Promise<void> {
  const beside = join(stack.cwd, `Pulumi.${stack.name}.yaml`);
  const wasThere = existsSync(beside);
  await ask(stack, ["stack", "init", "--no-select"]);
  if (wasThere || beside === stack.configFile || !existsSync(beside)) return;
  const written: unknown = parse(readFileSync(beside, "utf8"));
  const onlySalt =
    typeof written === "object" && written !== null && Object.keys(written).join() === "encryptionsalt";
  if (onlySalt) await rm(beside);
}
