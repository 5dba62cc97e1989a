import { glob } from "node:fs/promises";
import { join } from "node:path";
import pc from "picocolors";
import { RackError } from "../../rack/errors.ts";
import { prepareEngine } from "../engine/prepare.ts";
import { CliError } from "../errors.ts";
import { checkout } from "../paths.ts";
import { say } from "../progress.ts";
import { lint } from "./lint.ts";
import { bringNeeds } from "./needs.ts";
import type { Tally } from "./tally.ts";
import { runVitest } from "./vitest.ts";

/** The levels of `racksmith test`, in the order in which `all` runs them. */
export const levels = ["lint", "unit", "engine", "conformance", "rack"] as const;
export type Level = (typeof levels)[number];

/** Brings what the level needs, runs it, and counts; a level that cannot run has failed, and hides no other. */
export async function runLevel(level: Level, filters: readonly string[]): Promise<Tally[]> {
  const started = Date.now();
  try {
    return await run(level, filters);
  } catch (error) {
    if (!(error instanceof CliError || error instanceof RackError)) throw error;
    say(`${pc.red("racksmith:")} ${error.message}`);
    return [{ step: level, passed: 0, failed: 1, skipped: 0, seconds: (Date.now() - started) / 1000 }];
  }
}

async function run(level: Level, filters: readonly string[]): Promise<Tally[]> {
  await bringNeeds(level);
  if (level === "lint") return lint();
  if (level === "unit") {
    const tally = await runVitest(level, filters, process.env);
    if (tally.skipped > 0) say("Skipped tests want root, mount namespaces, or the Go that `setup` brings.");
    return [tally];
  }
  const engine = await prepareEngine();
  return [await runVitest(level, filters, { ...process.env, ...engine.env })];
}

/** Whether the level has any test file: a checkout without the rack's tests is said to lack them, not passed. */
export async function hasTests(level: Level): Promise<boolean> {
  if (level === "lint" || level === "unit") return true;
  for await (const _file of glob(join("test", level, "**/*.test.ts"), { cwd: checkout })) return true;
  return false;
}
