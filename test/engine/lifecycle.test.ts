import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ToyStack } from "./stack.ts";

const CANARY = "canary-7f3a91c2e5";
let stack: ToyStack;
beforeAll(async () => {
  stack = await ToyStack.start();
});
afterAll(() => stack?.stop());

test("create: preview shows it, up makes it, secrets stay out of state and output", async () => {
  await stack.toys({
    a: { name: "a", text: "one", password: CANARY },
    b: { name: "b", textOf: "a" },
  });
  const preview = await stack.preview();
  expect(preview.code, preview.output).toBe(0);
  expect(preview.output).toContain("text: found nothing, wanted one (reload)");
  expect(await stack.held("a")).toBeUndefined();
  const up = await stack.up();
  expect(up.code, up.output).toBe(0);
  expect(await stack.held("a")).toBe("one");
  expect(await stack.held("b")).toBe("one!");
  const state = await stack.state();
  for (const secret of [CANARY, "PRIVATE KEY"]) {
    expect(state).not.toContain(secret);
    expect(preview.output + up.output).not.toContain(secret);
  }
  expect(state).toContain('"ciphertext"');
});

test("no-op: nothing is done, over one connection and at most three channels", async () => {
  const before = { connections: stack.server.proxy.connections, channels: stack.server.channels };
  const acts = await stack.acts();
  const up = await stack.up();
  expect(up.code, up.output).toBe(0);
  expect(up.output).toContain("3 unchanged");
  expect(await stack.acts()).toEqual(acts);
  expect(stack.server.proxy.connections - before.connections).toBe(1);
  expect(stack.server.channels - before.channels).toBeLessThanOrEqual(3);
});

test("drift is shown by name and mended", async () => {
  await writeFile(join(stack.server.folder, "toy/a"), "moved");
  const preview = await stack.preview();
  expect(preview.output).toContain("text: found moved, wanted one (reload)");
  expect((await stack.up()).code).toBe(0);
  expect(await stack.held("a")).toBe("one");
  await rm(join(stack.server.folder, "toy/a"));
  expect((await stack.up()).code).toBe(0);
  expect(await stack.held("a")).toBe("one");
});

test("update, replace, delete", async () => {
  await stack.toys({ a: { name: "a", text: "two" }, b: { name: "b2", text: "b" } });
  const up = await stack.up();
  expect(up.code, up.output).toBe(0);
  expect(await stack.held("a")).toBe("two");
  expect(await stack.held("b")).toBeUndefined();
  expect(await stack.held("b2")).toBe("b");
  await stack.toys({ a: { name: "a", text: "two" } });
  expect((await stack.up()).code).toBe(0);
  expect(await stack.held("b2")).toBeUndefined();
});

test("a secret that only an act can try: another one is tried at once; one that does not fit is asked for again", async () => {
  const toys = (password: string) => stack.toys({ a: { name: "a", text: "two", password } });
  const since = async (before: readonly string[]) => (await stack.acts()).slice(before.length);
  await toys("sesame");
  let before = await stack.acts();
  expect((await stack.up()).code).toBe(0);
  expect(await since(before)).toEqual(["begin a", "end a"]);
  await toys("misfit");
  const preview = await stack.preview();
  expect(preview.output).toContain("password: another one is given; whether it fits is tried");
  for (const _ of [1, 2]) {
    const up = await stack.up();
    expect(up.code).not.toBe(0);
    expect(up.output).toContain("the password does not fit");
  }
  before = await stack.acts();
  await toys("sesame");
  const up = await stack.up();
  expect(up.output).toContain("2 unchanged");
  expect(await since(before)).toEqual([]);
});

test("every problem of the inputs is reported at once", async () => {
  await stack.toys({ a: { name: "A B", text: "x", slow: -1, extra: { colour: "red" } } });
  const up = await stack.up();
  expect(up.code).not.toBe(0);
  for (const part of ["name", "must be lower-case", "slow", "colour", "there is no such input"]) {
    expect(up.output).toContain(part);
  }
});

test("a refusal comes in the preview, before anything is touched", async () => {
  await stack.toys({ c: { name: "c", text: "forbidden" } });
  const preview = await stack.preview();
  expect(preview.code).not.toBe(0);
  expect(preview.output).toContain("text: found forbidden, wanted another text → choose one");
});

test("a failing act says host, what, last lines and no secret; the next up goes on", async () => {
  await stack.toys({ d: { name: "d", text: "x", broken: "fail", password: CANARY } });
  const up = await stack.up();
  expect(up.code).not.toBe(0);
  expect(up.output).toContain("toy-host: toy apply: exit status 1");
  expect(up.output).toContain("the toy is broken: [secret]");
  expect(up.output).not.toContain(CANARY);
  await stack.toys({ d: { name: "d", text: "x" } });
  const again = await stack.up();
  expect(again.code, again.output).toBe(0);
  expect(await stack.held("d")).toBe("x");
});
