import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { capture } from "../../cli/process.ts";
import {
  describePending,
  halfMadeContainers,
  removeCommand,
  sshArguments,
} from "../../cli/stack/half-made.ts";
import { keptByDestroy } from "../../cli/stack/kept.ts";
import { parseExport, pendingOf, resourcesOf, withoutPending } from "../../cli/stack/state.ts";
import { vaultsOf } from "../../cli/verbs/unlock.ts";

const recording = readFileSync(join(import.meta.dirname, "goldens", "killed-run.json"), "utf8");
const state = parseExport(recording);

it("reads what a killed run left pending", () => {
  expect(describePending(state)).toBe("creating prometheus, updating weights");
});

it("drops only what is pending", () => {
  const repaired = withoutPending(state);
  expect(pendingOf(repaired)).toEqual([]);
  expect(resourcesOf(repaired)).toEqual(resourcesOf(state));
  const { pending_operations: _, ...deployment } = JSON.parse(recording).deployment;
  expect(JSON.parse(JSON.stringify(repaired))).toEqual({ version: 3, deployment });
});

it("finds the container whose name is taken, and how its host is reached", () => {
  expect(halfMadeContainers(state)).toEqual([
    {
      container: "racksmith-prometheus",
      ssh: [
        "-i",
        "/keys/a b",
        "-o",
        "UserKnownHostsFile=/keys/known",
        "-o",
        "BatchMode=yes",
        "-l",
        "ops",
        "-p",
        "2201",
        "--",
        "192.0.2.7",
      ],
    },
  ]);
});

it("does not take one that a later run made after all for half made", () => {
  const [container] = pendingOf(state).map(({ resource }) => resource);
  const held = (more: object) =>
    halfMadeContainers({
      ...state,
      deployment: {
        ...state.deployment,
        resources: [...resourcesOf(state), ...(container ? [{ ...container, ...more }] : [])],
      },
    });
  expect(held({})).toEqual([]);
  expect(held({ pendingReplacement: true })).toHaveLength(1);
});

it.each([
  { host: "unix:///var/run/docker.sock" },
  { host: 5 },
  {},
  { host: "ssh://a", sshOpts: '["-o", 5]' },
])("does not reach for a Docker that is not by SSH: %o", (inputs) =>
  expect(sshArguments(inputs)).toBeUndefined(),
);

it("says which data a destroy keeps", () => {
  expect(keptByDestroy(state)).toEqual(["node-a: the array /dev/md/racksmith", "node-a: the models on it"]);
});

it("finds the vaults of one host or of all", () => {
  expect(vaultsOf(state, undefined)).toHaveLength(1);
  expect(vaultsOf(state, "node-a")).toHaveLength(1);
  expect(vaultsOf(state, "node-b")).toEqual([]);
});

let bin: string;
beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), "racksmith-docker-"));
});
afterEach(() => rmSync(bin, { recursive: true, force: true }));

/** Runs the command as sshd would, with a `docker` that answers as given and records how it was called. */
async function onHost(inspect: string, container = "racksmith-prometheus") {
  writeFileSync(
    join(bin, "docker"),
    `#!/bin/sh\nprintf '%s\\n' "$*" >>"${bin}/calls"\nif [ "$1" = inspect ]; then ${inspect}; fi\n`,
    { mode: 0o755 },
  );
  const env = { PATH: `${bin}:${process.env.PATH}` };
  const result = await capture("sh", ["-c", removeCommand(container, "lab")], { env });
  return {
    answer: result.stdout.trim(),
    calls: readFileSync(join(bin, "calls"), "utf8"),
    status: result.status,
  };
}

it("removes the half-made container when it carries our label", async () => {
  const { answer, calls } = await onHost("echo lab");
  expect(answer).toBe("removed");
  expect(calls).toContain("rm -f -- racksmith-prometheus");
});

it("leaves a stranger's container of the same name alone", async () => {
  const { answer, calls } = await onHost("echo");
  expect(answer).toBe("kept");
  expect(calls).not.toMatch(/^rm/m);
});

it("leaves another stack's container alone", async () => {
  expect((await onHost("echo other")).answer).toBe("kept");
});

it("has nothing to do when it was never made", async () => {
  const { answer, calls, status } = await onHost("exit 1");
  expect([answer, status]).toEqual(["", 0]);
  expect(calls).not.toMatch(/^rm/m);
});

it("knows nothing while Docker does not answer", async () => {
  expect((await onHost('exit 1; elif [ "$1" = version ]; then exit 1')).status).toBe(1);
});
