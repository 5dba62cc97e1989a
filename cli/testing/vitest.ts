import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { checkout } from "../paths.ts";
import { systemPath } from "../which.ts";
import type { Tally } from "./tally.ts";

const report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number().default(0),
  // A file that fails to load has no tests, and must not count as none failed.
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
});

/** Runs one vitest project with its live output, and counts from vitest's own JSON report. */
export async function runVitest(
  project: string,
  filters: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), "racksmith-test-"));
  const file = join(folder, "report.json");
  const started = Date.now();
  const tally = { step: project, passed: 0, failed: 0, skipped: 0 };
  try {
    // Unit tests wait for commands more than they compute; vitest's own number on two cores is one.
    const workers = project === "unit" ? [`--maxWorkers=${availableParallelism() + 4}`] : [];
    const args = [
      "run",
      "--project",
      project,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
      ...workers,
    ];
    const status = await live(
      process.execPath,
      [join(checkout, "node_modules/vitest/vitest.mjs"), ...args, ...filters],
      {
        ...env,
        // CI=true switches colours on in what the tests run, and then in what they compare.
        NO_COLOR: "1",
        // The tests run mke2fs, blkid and haproxy as anybody.
        PATH: systemPath(env.PATH),
      },
    );
    Object.assign(tally, count(await readFile(file, "utf8").catch(() => undefined), status));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { ...tally, seconds: (Date.now() - started) / 1000 };
}

/** Counts tests; what went wrong without a failing test (no report, an unhandled error) counts as one failure. */
export function count(json: string | undefined, status: number): Omit<Tally, "step" | "seconds"> {
  if (json === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = report.parse(
    JSON.parse(json),
  );
  const unloaded = testResults.filter(
    (it) => it.status === "failed" && it.assertionResults.length === 0,
  ).length;
  const failed = numFailedTests + unloaded;
  return {
    passed: numPassedTests,
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: numPendingTests + numTodoTests,
  };
}

/** Runs a command whose output goes straight to the terminal; resolves to its status. */
export function live(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: checkout, env, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("close", (status) => resolve(status ?? 1));
  });
}
