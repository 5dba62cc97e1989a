import { expect, it } from "vitest";
import { capture, must } from "../../cli/process.ts";
import { operationArgs } from "../../cli/stack/operate.ts";
import { summary } from "../../cli/testing/tally.ts";
import { count } from "../../cli/testing/vitest.ts";

const report = (more: object) =>
  JSON.stringify({ numPassedTests: 3, numFailedTests: 0, numPendingTests: 1, testResults: [], ...more });

it("counts from vitest's report, and a run that failed without a failing test as one failure", () => {
  expect(count(report({}), 0)).toEqual({ passed: 3, failed: 0, skipped: 1 });
  expect(count(report({ numFailedTests: 2 }), 1)).toEqual({ passed: 3, failed: 2, skipped: 1 });
  expect(count(report({}), 1).failed).toBe(1);
  expect(count(undefined, 0).failed).toBe(1);
  expect(count(report({ testResults: [{ status: "failed", assertionResults: [] }] }), 1).failed).toBe(1);
});

it("ends with the line that scripts read", () => {
  const tallies = [
    { step: "types (tsc)", passed: 1, failed: 0, skipped: 0, seconds: 3 },
    { step: "unit", passed: 40, failed: 2, skipped: 1, seconds: 12.34 },
  ];
  expect(summary(tallies).split("\n")).toEqual([
    "  ✓ types (tsc)  1 passed, 0 failed  3.0 s",
    "  ✗ unit         40 passed, 2 failed, 1 skipped  12.3 s",
    "41 passed, 2 failed",
  ]);
});

it.each([
  ["echo 'write x: no space left on device' >&2; exit 1", /The disk is full.*RACKSMITH_CACHE/],
  [
    "echo 'dial tcp: lookup proxy.example: no such host'; exit 3",
    /exit 3.*The network did not answer.*GOPROXY/s,
  ],
  ["kill -9 $$", /SIGKILL/],
])("a command that fails (%s) says what to do", async (script, message) => {
  await expect(must("the build", "sh", ["-c", script])).rejects.toThrow(message);
});

it("a missing command is named", async () => {
  await expect(capture("no-such-command-here", [])).rejects.toThrow(
    /no-such-command-here: not found on PATH/,
  );
});

const stack = { name: "lab", configFile: "/x/lab.yaml" };
it("asks the engine for what was asked, and skips its preview only with --yes", () => {
  const common = ["--stack", "lab", "--config-file", "/x/lab.yaml"];
  expect(operationArgs("up", stack, { yes: false, more: [] })).toEqual(["up", ...common]);
  expect(operationArgs("up", stack, { yes: true, more: ["--target", "$(x)"] })).toEqual([
    "up",
    ...common,
    "--yes",
    "--skip-preview",
    "--target",
    "$(x)",
  ]);
  expect(operationArgs("preview", stack, { yes: true, more: [] })).toEqual(["preview", ...common]);
});
