// A server that is dead or renamed, and what becomes of the others: the ways that docs/troubleshooting.md gives.
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { exitCodes } from "../../cli/errors.ts";
import { exportState } from "../../cli/stack/pulumi.ts";
import { nameOf, resourcesOf } from "../../cli/stack/state.ts";
import { forget } from "../../cli/verbs/forget.ts";
import { FleetStack } from "./fleet.ts";

let stack: FleetStack;
let copies: string;
let said: string;
beforeEach(async () => {
  stack = await FleetStack.start(["gpu-1", "gpu-2"]);
  copies = join(stack.folder, "forgotten");
  mkdirSync(copies);
  said = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += text;
    return true;
  });
  await stack.hosts({ "gpu-1": ["gpu-1", "one"], "gpu-2": ["gpu-2", "one"] });
  const up = await stack.up();
  expect(up.code, up.output).toBe(0);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await stack?.stop();
});

const yes = async () => true;
const no = async () => false;
const held = async () => {
  const state = await exportState(stack.opened);
  return (state ? resourcesOf(state) : [])
    .filter(({ type }) => type === "racksmith:index:Toy")
    .map(({ urn }) => nameOf(urn));
};

test("a dead server: the others by --exclude, then forget, and everything goes on", {
  timeout: 300_000,
}, async () => {
  await stack.servers["gpu-2"]?.stop();
  await stack.hosts({ "gpu-1": ["gpu-1", "two"], "gpu-2": ["gpu-2", "two"] });
  const all = await stack.preview();
  expect(all.code, all.output).not.toBe(0);
  expect(all.output).toMatch(/gpu-2: connecting to 127\.0\.0\.1/);

  const others = await stack.pulumi(
    ...[
      "up",
      "--yes",
      "--skip-preview",
      "--stack",
      "test",
      "--exclude",
      "**::gpu-2",
      "--exclude",
      "**::gpu-2-*",
    ],
  );
  expect(others.code, others.output).toBe(0);
  expect((await stack.acts("gpu-1")).filter((act) => act === "end first")).toHaveLength(2);

  await stack.hosts({ "gpu-1": ["gpu-1", "two"] });
  const removed = await stack.up();
  expect(removed.code, removed.output).not.toBe(0);
  expect(await held()).toContain("gpu-2");

  await expect(forget(stack.opened, "gpu-2", no, copies)).rejects.toMatchObject({
    exitCode: exitCodes.refused,
  });
  expect(await held()).toContain("gpu-2");
  await expect(forget(stack.opened, "gpu-9", yes, copies)).rejects.toThrow(
    "knows no host gpu-9, only: gpu-1, gpu-2",
  );
  await forget(stack.opened, "gpu-2", yes, copies);
  expect(said).toContain("Nothing on the server changes");
  expect(await held()).toEqual(["gpu-1", "gpu-1-second"]);
  const [copy = ""] = readdirSync(copies);
  expect(statSync(join(copies, copy)).mode & 0o777).toBe(0o600);
  const up = await stack.up();
  expect(up.code, up.output).toBe(0);

  const back = await stack.pulumi("stack", "import", "--stack", "test", "--file", join(copies, copy));
  expect(back.code, back.output).toBe(0);
  expect(await held()).toContain("gpu-2-second");
});

test("an up that runs while forget asks is not undone: nothing is forgotten, and it says so", async () => {
  await stack.hosts({ "gpu-1": ["gpu-1", "two"], "gpu-2": ["gpu-2", "one"] });
  const meanwhile = async () => (await stack.up()).code === 0;
  const late = forget(stack.opened, "gpu-2", meanwhile, copies);
  await expect(late).rejects.toMatchObject({ exitCode: exitCodes.locked });
  await expect(late).rejects.toThrow("another run changed its state meanwhile; nothing was changed");
  expect(await held()).toContain("gpu-2");
  const state = await exportState(stack.opened);
  const texts = (state ? resourcesOf(state) : []).flatMap(({ urn, outputs }) =>
    nameOf(urn) === "gpu-1" && outputs?.text !== undefined ? [outputs.text] : [],
  );
  expect(texts).toEqual(["two"]);
  expect(readdirSync(copies)).toEqual([]);
});

test("a new name: forget and up take a standing server in and run nothing on it; without forget it is taken apart", async () => {
  const before = await stack.acts("gpu-2");
  await forget(stack.opened, "gpu-2", yes, copies);
  await stack.hosts({ "gpu-1": ["gpu-1", "one"], "node-b": ["gpu-2", "one"] });
  const adopted = await stack.up();
  expect(adopted.code, adopted.output).toBe(0);
  expect(await stack.acts("gpu-2")).toEqual(before);
  expect(await held()).toEqual(expect.arrayContaining(["node-b", "node-b-second"]));

  await stack.hosts({ "gpu-1": ["gpu-1", "one"], "node-c": ["gpu-2", "one"] });
  const renamed = await stack.up();
  expect(renamed.code, renamed.output).toBe(0);
  expect(await stack.acts("gpu-2")).toEqual([...before, "removed second", "removed first"]);

  const targets = ["--target", "**::node-c", "--target", "**::node-c-*"];
  const one = await stack.pulumi("destroy", "--yes", "--skip-preview", "--stack", "test", ...targets);
  expect(one.code, one.output).toBe(0);
  expect(await held()).toEqual(["gpu-1", "gpu-1-second"]);
  expect(await stack.acts("gpu-1")).not.toContain("removed first");
});
