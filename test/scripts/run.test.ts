import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toyScripts } from "../support/ssh-server.ts";

const SHIMS = fileURLToPath(new URL("../support/bin", import.meta.url));

let node: string;
let scripts: string;
const running = new Set<ChildProcessWithoutNullStreams>();
beforeEach(async () => {
  node = await mkdtemp(join(tmpdir(), "racksmith-run-"));
  scripts = await toyScripts(node);
  await hasten("run", "reboot_wait_seconds");
  await hasten("run-receive.sh", "stall_seconds");
});
afterEach(async () => {
  for (const child of running) child.kill("SIGKILL");
  await rm(node, { recursive: true, force: true });
});

/** A wait of 30 s as one of 1 s. */
async function hasten(file: string, name: string): Promise<void> {
  const text = await readFile(join(scripts, file), "utf8");
  expect(text).toContain(`\n${name}=30\n`);
  await writeFile(join(scripts, file), text.replace(`\n${name}=30\n`, `\n${name}=1\n`));
}

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** `run ARGS`, with stdin left open. */
function start(...args: string[]) {
  const child = spawn("bash", [join(scripts, "run"), ...args], {
    env: {
      PATH: `${SHIMS}:/usr/sbin:/usr/bin:/sbin:/bin`,
      RACKSMITH_RUN: join(node, "run"),
      RACKSMITH_INCOMING: join(node, "incoming"),
      TOY: join(node, "toy"),
      FAKE_SYSTEMCTL_LOG: join(node, "systemctl"),
      FAKE_SYNC_LOG: join(node, "sync"),
    },
  });
  running.add(child);
  child.stdin.on("error", () => undefined);
  const said = { out: "", err: "" };
  child.stdout.on("data", (data: Buffer) => (said.out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (said.err += data.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => {
      running.delete(child);
      resolve({ code, ...said });
    });
  });
  return { child, ended, said };
}

function run(stdin: string, ...args: string[]): Promise<Ended> {
  const { child, ended } = start(...args);
  child.stdin.end(stdin);
  return ended;
}

/** A loaded machine takes its time to start bash. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 10_000 });
const text = (path: string) => readFile(join(node, path), "utf8").catch(() => "");
const leftInputs = async () =>
  (await readdir(join(node, "run"), { recursive: true })).filter((name) => /(^|\/)input/.test(name));

test("a transfer whose sender went without a word is ended by the next one, and what had come is kept", async () => {
  const old = start("receive", "weights-a", "0");
  old.child.stdin.write("abc");
  await soon(() => text("incoming/weights-a")).toBe("abc");
  const next = await run("def", "receive", "weights-a", "3");
  expect(next).toMatchObject({ code: 0, out: expect.stringMatching(/^::status waiting.*\n::size 6\n$/) });
  expect(await text("incoming/weights-a")).toBe("abcdef");
  expect(await old.ended).toMatchObject({ code: 1, err: expect.stringContaining("a newer transfer") });
});

test("a transfer that goes on is waited for, and the next one is told where to go on", async () => {
  const slow = start("receive", "weights-a", "0");
  slow.child.stdin.write("0");
  await soon(() => text("incoming/weights-a")).toBe("0");
  const next = run("xyz", "receive", "weights-a", "0");
  for (let tenths = 1; tenths < 25; tenths++) {
    slow.child.stdin.write("0");
    await sleep(100);
  }
  slow.child.stdin.end();
  expect(await slow.ended).toMatchObject({ code: 0, out: "::size 25\n" });
  expect(await next).toMatchObject({ code: 68, out: expect.stringContaining("::size 25\n") });
});

test("a number that is no longer a transfer's is left alone", async () => {
  const old = start("receive", "weights-a", "0");
  old.child.stdin.write("abc");
  await soon(() => text("incoming/weights-a")).toBe("abc");
  const stranger = spawn("sleep", ["30"]);
  await writeFile(join(node, "run/receive-weights-a"), `${stranger.pid}\n`);
  const next = start("receive", "weights-a", "3");
  next.child.stdin.end("def");
  await sleep(2_500);
  expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
  stranger.kill();
  old.child.stdin.end();
  expect(await old.ended).toMatchObject({ code: 0 });
  expect(await next.ended).toMatchObject({ code: 0, out: expect.stringContaining("::size 6") });
});

test("an act has ended when what it wrote is on the disk", async () => {
  const ended = await run("name=a\ntext=x\n", "act", "toy", "apply", "key-a", "14");
  expect(ended).toMatchObject({ code: 0, out: expect.stringContaining("::exit 0") });
  expect(await text("sync")).toContain("sync -f / /boot\n");
});

test("an act whose input does not come holds up no other act, and leaves nothing of it", async () => {
  const input = "name=a\ntext=x\npassword=canary-81\n";
  const silent = start("act", "toy", "apply", "key-a", "100");
  silent.child.stdin.write(input);
  await soon(leftInputs).toHaveLength(1);
  const [held = ""] = await leftInputs();
  await soon(() => text(join("run", held))).toBe(input);
  expect((await stat(join(node, "run", held))).mode & 0o777).toBe(0o600);

  const other = await run("name=b\ntext=y\n", "act", "toy", "apply", "key-b", "14");
  expect(other).toMatchObject({ code: 0, out: expect.stringContaining("::exit 0") });
  expect(await text("toy/b")).toBe("y");

  silent.child.stdin.end();
  expect(await silent.ended).toMatchObject({ code: 65, err: expect.stringContaining("33 of 100 bytes") });
  expect(await leftInputs()).toEqual([]);
  expect(await text("toy/.acts")).toBe("begin b\nend b\n");
});

test("an act that waits for the host has its input in no file any more", async () => {
  await run("name=a\ntext=x\n", "act", "toy", "apply", "key-a", "14");
  const holder = spawn("flock", ["--close", join(node, "run/lock"), "sleep", "20"]);
  const waiting = start("act", "toy", "apply", "key-b");
  waiting.child.stdin.end("name=b\ntext=y\npassword=canary-81\n");
  await soon(() => waiting.said.out).toContain("::status waiting for an act that runs on this host");
  expect(await leftInputs()).toEqual([]);
  holder.kill("SIGKILL");
  expect(await waiting.ended).toMatchObject({ code: 0, out: expect.stringContaining("::exit 0") });
  expect(await text("toy/b")).toBe("y");
});

test("what an act that was killed left behind goes with the next one", async () => {
  await run("name=a\ntext=x\n", "act", "toy", "apply", "key-a", "14");
  const dead = `toy-apply-${Date.now()}000`;
  await mkdir(join(node, "run/acts", dead));
  await writeFile(join(node, "run/acts", dead, "pid"), "999999999\n");
  await writeFile(join(node, "run/acts", dead, "input"), "password=canary-81\n");
  await run("name=b\ntext=y\n", "act", "toy", "apply", "key-b", "14");
  expect(await leftInputs()).toEqual([]);
});

test("what an act makes is for others to read where it does not say otherwise; racksmith's own folder is not", async () => {
  await run("name=a\ntext=x\n", "act", "toy", "apply", "key-a", "14");
  const modes = ["toy", "run/acts"].map(async (path) => (await stat(join(node, path))).mode & 0o777);
  expect(await Promise.all(modes)).toEqual([0o755, 0o700]);
});

test("a sender that is killed leaves no input either", async () => {
  const silent = start("act", "toy", "apply", "key-a", "100");
  silent.child.stdin.write("password=canary-81\n");
  await soon(leftInputs).toHaveLength(1);
  silent.child.kill("SIGTERM");
  silent.child.stdin.end();
  await silent.ended;
  expect(await leftInputs()).toEqual([]);
});

test("a reboot waits for the act that runs, and says so; then acts wait for the reboot", async () => {
  const act = start("act", "toy", "apply", "key-a");
  act.child.stdin.end("name=a\ntext=x\nslow=25\n");
  await soon(() => text("toy/.acts")).toContain("begin a");
  const busy = await run("", "reboot");
  expect(busy).toMatchObject({ code: 69, out: expect.stringContaining("::status waiting for an act") });
  expect(await text("systemctl")).toBe("");
  expect(await act.ended).toMatchObject({ code: 0 });

  const reboot = await run("", "reboot");
  expect(reboot).toMatchObject({ code: 0, out: expect.stringMatching(/^::boot [0-9a-f-]{36}\n$/) });
  expect(await text("systemctl")).toBe("--no-block reboot\n");
  const late = start("act", "toy", "apply", "key-b");
  late.child.stdin.end("name=b\ntext=x\n");
  await soon(() => late.said.out).toContain("waiting for an act");
  expect(await text("toy/b")).toBe("");
}, 30_000);

test("a reboot that nobody waits for any more does not happen", async () => {
  const act = start("act", "toy", "apply", "key-a");
  act.child.stdin.end("name=a\ntext=x\nslow=10\n");
  await soon(() => text("toy/.acts")).toContain("begin a");
  await hastenNot();
  const reboot = start("reboot");
  await soon(() => reboot.said.out).toContain("waiting for an act");
  reboot.child.stdout.destroy();
  expect((await reboot.ended).code).not.toBe(0);
  await act.ended;
  expect(await text("systemctl")).toBe("");
});

/** Long enough to outlast the act. */
async function hastenNot(): Promise<void> {
  const body = await readFile(join(scripts, "run"), "utf8");
  await writeFile(join(scripts, "run"), body.replace("reboot_wait_seconds=1\n", "reboot_wait_seconds=10\n"));
}
