import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { edition } from "./edition.ts";
import type { Wanted } from "./program.ts";
import { Stack } from "./stack.ts";

const CANARY = "canary-0b7d55e1aa";
let stack: Stack;
beforeEach(async () => {
  stack = await Stack.start();
});
afterEach(() => stack?.stop());

const bash = ["/bin/bash", "-c"];
const path = (name: string) => join(stack.folder, name);
const text = (name: string) => readFile(path(name), "utf8").catch(() => "");

async function up(args: Record<string, unknown>, more: Partial<Wanted> = {}): Promise<string> {
  await stack.want({ locals: { hook: { args: { interpreter: bash, ...args }, ...more } } });
  const ran = await stack.up();
  expect(ran.code, ran.output).toBe(0);
  return ran.output;
}

test("create runs once; its output is kept and logged; a preview does not run it", async () => {
  const args = { create: `set -euo pipefail\necho ran >>'${path("ran")}'; echo said; printf 'no newline'` };
  await stack.want({ locals: { hook: { args: { interpreter: bash, ...args } } } });
  const preview = await stack.preview();
  expect(preview.code, preview.output).toBe(0);
  expect(await text("ran")).toBe("");
  const output = await up({ ...args, logging: "stdoutAndStderr" });
  expect(output).toMatch(/^ *said$/m);
  expect((await stack.resource("hook")).outputs).toMatchObject({ stdout: "said\nno newline", stderr: "" });
  expect(await up({ ...args, logging: "stdoutAndStderr" })).toMatch(/^ +2 unchanged$/m);
  expect(await text("ran")).toBe("ran\n");
});

test("a changed trigger and a changed command run it again; nothing else does", async () => {
  const create = `echo ran >>'${path("ran")}'`;
  await up({ create, triggers: ["one"] });
  await up({ create, triggers: ["one"] });
  expect(await text("ran")).toBe("ran\n");
  expect(await up({ create, triggers: ["two"] })).toContain("+-1 replaced");
  expect(await text("ran")).toBe("ran\nran\n");
  expect(await up({ create: `${create}; echo more`, triggers: ["two"] })).toContain("~ 1 updated");
  expect(await text("ran")).toBe("ran\nran\nran\n");
  expect((await stack.resource("hook")).outputs.stdout).toBe("more");
});

test("a destroy runs nothing when there is no delete", async () => {
  await up({ create: `echo ran >>'${path("ran")}'` });
  const destroy = await stack.destroy();
  expect(destroy.code, destroy.output).toBe(0);
  expect(await text("ran")).toBe("ran\n");
});

test("hostile values reach the environment as they are; secret ones are nowhere in the clear", async () => {
  const hostile = { A: "$(touch pwned) `id` 'x' \"y\" \\n ${HOME}", B: "one\ntwo\n", C: "机架", EMPTY: "" };
  const secrets = Object.entries({ ...hostile, TOKEN: CANARY }).map(([key, value]) => [
    key,
    { $secret: value },
  ]);
  const create = `printf '%s|' "$A" "$B" "$C" "$EMPTY" >'${path("seen")}'; echo "$TOKEN"`;
  const args = { create, environment: Object.fromEntries(secrets), logging: "none" };
  const output = await up(args, { additionalSecretOutputs: ["stdout", "stderr"] });
  expect(await text("seen")).toBe(`${Object.values(hostile).join("|")}|`);
  expect(output).not.toContain(CANARY);
  expect(await stack.state()).not.toContain(CANARY);
  const shown = await stack.pulumi("stack", "export", "--stack", "test", "--show-secrets");
  expect(shown.output).toContain(CANARY);
});

test("a failure says the status and what was printed, and the next run tries again", async () => {
  const create = `echo out; echo why >&2; test -e '${path("mended")}' || exit 3`;
  await stack.want({ locals: { hook: { args: { interpreter: bash, create } } } });
  const failed = await stack.up();
  expect(failed.code).not.toBe(0);
  expect(failed.output).toMatch(/exit status 3/);
  expect(failed.output).toMatch(/out\n *why|why\n *out/);
  await writeFile(path("mended"), "");
  await up({ create });
  expect((await stack.resource("hook")).outputs).toMatchObject({ stdout: "out", stderr: "why" });
});

// The official edition lets a command that runs come to its end; the offline one ends it.
const seconds = edition === "official" ? 10 : 61;
test("after Ctrl-C the run ends soon, and nothing of the command is left", async () => {
  const create = `sleep ${seconds} & echo $! >'${path("pid")}'; wait`;
  await stack.want({ locals: { hook: { args: { interpreter: bash, create } } } });
  const { child, ran } = stack.start("up", "--yes", "--stack", "test", "--skip-preview");
  for (let tries = 0; (await text("pid")) === "" && tries < 300; tries++) await sleep(100);
  const started = Number(await text("pid"));
  expect(started).toBeGreaterThan(0);
  const since = Date.now();
  process.kill(child.pid!, "SIGINT");
  const { code, output } = await ran;
  expect(code, output).not.toBe(0);
  expect(Date.now() - since).toBeLessThan(25_000);
  await expect.poll(() => alive(started), { timeout: 5_000 }).toBe(false);
});

/** A zombie is dead: the machine that reaps it may take its time. */
async function alive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat !== "" && !/\) Z /.test(stat);
}
