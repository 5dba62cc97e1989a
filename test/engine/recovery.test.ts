// A killed or interrupted run of the real engine, and what the next one does.
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { prepareEngine } from "../../cli/engine/prepare.ts";
import { exitCodes } from "../../cli/errors.ts";
import { capture } from "../../cli/process.ts";
import { lockFolder } from "../../cli/stack/backend.ts";
import { operate } from "../../cli/stack/operate.ts";
import { exportState, openStack, readyStack, type Stack } from "../../cli/stack/pulumi.ts";
import { pendingOf, resourcesOf } from "../../cli/stack/state.ts";

const checkout = join(import.meta.dirname, "../..");
let folder: string;
let stack: Stack;

// One command that takes as long as the file `seconds` says, and records each start and end. Told to end, it
// takes its time, so that a second signal finds the run still ending.
const program = (log: string) => `
import { readFileSync } from "node:fs";
import { local } from "@pulumi/command";
const seconds = readFileSync(new URL("seconds", import.meta.url), "utf8");
const done: local.Command = new local.Command("slow", {
  create: \`trap 'sleep 3; exit 1' TERM; echo start >>${log}; sleep \${seconds}; echo end >>${log}\`,
});
export const hosts = done.stdout.apply(() => ({ "node-a": { endpoint: "http://192.0.2.1:8000/v1" } }));
`;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-recovery-"));
  symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "name": "recovery", "type": "module" }');
  writeFileSync(join(folder, "index.ts"), program(join(folder, "log")));
  const project = readFileSync(join(checkout, "Pulumi.yaml"), "utf8").split(/^plugins:/m)[0];
  writeFileSync(join(folder, "Pulumi.yaml"), project ?? "");
  mkdirSync(join(folder, "elsewhere"));
  writeFileSync(join(folder, "elsewhere", "lab.yaml"), "config:\n  racksmith:tier: entry-4090\n");
  setSeconds("60");
  const engine = await prepareEngine({
    ...process.env,
    RACKSMITH_STATE: join(folder, "state"),
    PULUMI_BACKEND_URL: "",
  });
  stack = openStack("lab", engine, join(folder, "elsewhere", "lab.yaml"), folder);
  expect(await readyStack(stack)).toBeUndefined();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const setSeconds = (seconds: string) => writeFileSync(join(folder, "seconds"), seconds);
const log = () => (existsSync(join(folder, "log")) ? readFileSync(join(folder, "log"), "utf8") : "");
const locks = () => {
  const place = lockFolder(join(folder, "state", "pulumi"), "lab");
  return existsSync(place) ? readdirSync(place).filter((it) => it.endsWith(".json")) : [];
};

/** Runs `operate` in a process of its own, which a test can interrupt. */
function operateApart() {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "operate-apart.ts"), JSON.stringify(stack)],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, ended, output: () => output };
}

/** Starts the engine itself; once it is at work, returns what kills it. */
async function engineAtWork(): Promise<() => Promise<unknown>> {
  const args = ["up", "--yes", "--skip-preview", "--stack", "lab", "--config-file", stack.configFile];
  const engine = spawn(stack.engine.pulumi, args, {
    cwd: folder,
    env: stack.env,
    stdio: "ignore",
    detached: true,
  });
  const killed = new Promise((resolve) => engine.on("close", resolve));
  await expect.poll(log, { timeout: 60_000 }).toBe("start\n");
  return () => {
    engine.kill("SIGKILL");
    return killed;
  };
}

it("creating a stack leaves no file beside the program when its configuration is elsewhere", () => {
  expect(readdirSync(folder).filter((it) => it.startsWith("Pulumi."))).toEqual(["Pulumi.yaml"]);
});

it("kill -9 of the engine: the next run frees the lock, clears what was pending, and finishes", async () => {
  const kill9 = await engineAtWork();
  expect(locks()).toHaveLength(1);
  await expect(readyStack(stack)).rejects.toThrow(/lab: locked by .*pid \d+, since 20.*still running/);
  await kill9();
  const left = await exportState(stack);
  expect(left && pendingOf(left)).toMatchObject([{ type: "creating" }]);

  const repaired = await readyStack(stack);
  expect(repaired && pendingOf(repaired)).toEqual([]);
  expect(locks()).toEqual([]);
  setSeconds("0");
  const next = operateApart();
  expect(await next.ended, next.output()).toBe(0);
  expect(log()).toMatch(/end\n$/);
  const state = await exportState(stack);
  expect(state && pendingOf(state)).toEqual([]);
  expect(state && resourcesOf(state).map((it) => it.type)).toContain("command:local:Command");
});

it("a backend whose locks are no files here: a live run is met before anything is removed; a preview only looks", async () => {
  const url = `file://${join(folder, "state", "pulumi")}`;
  writeFileSync(join(folder, "Pulumi.yaml"), `backend: { url: "${url}" }\n`, { flag: "a" });
  stack = { ...stack, env: { ...stack.env, PULUMI_BACKEND_URL: undefined } };
  const kill9 = await engineAtWork();
  const met = readyStack(stack);
  await expect(met).rejects.toThrow(/lab: another run holds the stack.*currently locked/s);
  await expect(met).rejects.toMatchObject({ exitCode: exitCodes.locked });
  const seen = await readyStack(stack, true);
  expect(seen && pendingOf(seen)).toMatchObject([{ type: "creating" }]);
  await kill9();

  rmSync(lockFolder(join(folder, "state", "pulumi"), "lab"), { recursive: true });
  setSeconds("0");
  await operate("preview", stack, { yes: true, more: [] });
  expect(log()).toBe("start\n");
  const repaired = await readyStack(stack);
  expect(repaired && pendingOf(repaired)).toEqual([]);
});

it("a half-made container whose host does not answer stays pending: an up runs with it and carries it on", async () => {
  writeFileSync(
    join(folder, "index.ts"),
    'import * as docker from "@pulumi/docker";\n' +
      'new docker.Provider("node-a", { host: "ssh://root@127.0.0.1:9", sshOpts: ["-o", "BatchMode=yes"] });\n',
  );
  expect(await operateApart().ended).toBe(0);
  const file = join(folder, "state", "pulumi", ".pulumi", "stacks", "racksmith", "lab.json");
  const saved = JSON.parse(readFileSync(file, "utf8"));
  const provider = resourcesOf({ version: 3, deployment: saved.checkpoint.latest }).find((it) => it.id);
  const type = "docker:index/container:Container";
  const urn = `urn:pulumi:lab::racksmith::${type}::exporter`;
  const inputs = { name: "racksmith-exporter" };
  const resource = { urn, type, custom: true, inputs, provider: `${provider?.urn}::${provider?.id}` };
  saved.checkpoint.latest.pending_operations = [{ type: "creating", resource }];
  writeFileSync(file, JSON.stringify(saved));

  for (const _ of ["first", "second"]) {
    const left = await readyStack(stack);
    expect(left && pendingOf(left)).toMatchObject([{ type: "creating", resource: { urn } }]);
    const up = operateApart();
    expect(await up.ended, up.output()).toBe(0);
  }
  const writer = lockFolder(join(folder, "state", "pulumi"), "lab");
  mkdirSync(writer, { recursive: true });
  const lock = { pid: 1, username: "ops", hostname: "elsewhere", timestamp: new Date().toISOString() };
  writeFileSync(join(writer, "55d5b064-393b-466f-971e-2e9fd25e3f83.json"), JSON.stringify(lock));
  const url = `file://${join(folder, "state", "pulumi")}`;
  writeFileSync(join(folder, "Pulumi.yaml"), `backend: { url: "${url}" }\n`, { flag: "a" });
  const unseen = { ...stack, env: { ...stack.env, PULUMI_BACKEND_URL: undefined } };
  await expect(readyStack(unseen)).rejects.toThrow(/another run holds the stack.*currently locked/s);
});

it("Ctrl-C reaches the engine once: it ends cleanly, without a lock, and says 130", async () => {
  setSeconds("10");
  const run = operateApart();
  await expect.poll(log, { timeout: 60_000 }).toBe("start\n");
  run.child.kill("SIGINT");
  await expect.poll(run.output).toContain("SIGINT: ending cleanly");
  run.child.kill("SIGINT");
  expect(await run.ended, run.output()).toBe(130);
  expect(run.output()).toContain("already ending");
  expect(run.output()).toContain("interrupted; run it again");
  expect(locks()).toEqual([]);

  setSeconds("0");
  await readyStack(stack);
  const next = operateApart();
  expect(await next.ended, next.output()).toBe(0);
  const { stdout } = await capture(stack.engine.pulumi, ["stack", "output", "hosts", "--stack", "lab"], {
    cwd: folder,
    env: stack.env,
  });
  expect(stdout).toContain("http://192.0.2.1:8000/v1");
});
