import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ToyStack } from "./stack.ts";

let stack: ToyStack;
beforeEach(async () => {
  stack = await ToyStack.start();
});
afterEach(() => stack?.stop());

/** Starts an up whose act takes 6 s, and returns once the act has begun on the host. */
async function upInMidAct() {
  await stack.toys({ a: { name: "a", text: "one", slow: 60 } });
  const running = stack.start("up", "--yes", "--stack", "test", "--skip-preview");
  while ((await stack.acts()).length === 0) await sleep(50);
  return running;
}

async function nextUpRecovers(): Promise<void> {
  const up = await stack.up();
  expect(up.code, up.output).toBe(0);
  expect(await stack.held("a")).toBe("one");
  // Once: the act of the first run went on, and the second waited for it instead of doing it over.
  expect(await stack.acts()).toEqual(["begin a", "end a"]);
  const again = await stack.up();
  expect(again.output).toContain("2 unchanged");
}

test("kill -9 of the provider in mid-act: the next up recovers and repeats nothing", async () => {
  const { ran } = await upInMidAct();
  for (const pid of await stack.providerPids()) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // The one that served the refresh has ended.
    }
  }
  expect((await ran).code).not.toBe(0);
  await nextUpRecovers();
});

test("kill -9 of the engine and all its children in mid-act: the next up recovers", async () => {
  const { child, ran } = await upInMidAct();
  process.kill(-child.pid!, "SIGKILL");
  await ran;
  for (const pid of await stack.providerPids()) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone with its group.
    }
  }
  await stack.pulumi("cancel", "--yes", "--stack", "test");
  await nextUpRecovers();
});

test("kill -9 of the engine alone: its provider ends by itself, within seconds", async () => {
  const { child, ran } = await upInMidAct();
  const providers = await stack.providerPids();
  process.kill(child.pid!, "SIGKILL");
  const runs = async (pid: number) => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    return stat !== "" && !/\) [ZX] /.test(stat);
  };
  const running = async () => (await Promise.all(providers.map(runs))).includes(true);
  await expect.poll(running, { timeout: 5_000 }).toBe(false);
  // What else the engine had started.
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // Nothing.
  }
  await ran;
  await stack.pulumi("cancel", "--yes", "--stack", "test");
  await nextUpRecovers();
});

test("Ctrl-C: ends in order, says where the act stands; the next up follows it", async () => {
  const { child, ran } = await upInMidAct();
  process.kill(child.pid!, "SIGINT");
  const { code, output } = await ran;
  expect(code).not.toBe(0);
  expect(output).toMatch(/racksmith-act-toy-apply-\d+/);
  await nextUpRecovers();
});
