import { afterEach, beforeEach, expect, test } from "vitest";
import { fingerprint, pinnedKey } from "../../provider/ssh/host-keys.ts";
import { makeKey } from "../support/ssh-server.ts";
import { ToyStack } from "./stack.ts";

// What is recorded of a connection is out of date, as after `racksmith trust`: the refresh reads with it all the same.
const TOYS = { a: { name: "a", text: "one" } };
let stack: ToyStack;
beforeEach(async () => {
  stack = await ToyStack.start();
  await stack.toys(TOYS);
  const up = await stack.up();
  expect(up.code, up.output).toBe(0);
});
afterEach(() => stack?.stop());

const shown = (key: string) => fingerprint(pinnedKey(key));

/** The program's connection is applied, and what is recorded from then on. */
async function isApplied(warning: RegExp): Promise<void> {
  const up = await stack.up();
  expect(up.code, up.output).toBe(0);
  expect(up.output).toMatch(warning);
  expect(up.output).toContain("the last known facts are kept");
  expect(up.output).toContain("2 unchanged");
  const again = await stack.up();
  expect(again.code, again.output).toBe(0);
  expect(again.output).not.toContain("warning");
}

test("a reinstalled server: up fails until the new key is pinned, and says which is which", async () => {
  const pinned = stack.server.hostKey.public;
  await stack.server.reinstall();
  const found = stack.server.hostKey.public;
  await stack.toys(TOYS, { hostKeys: [pinned] });
  const refused = await stack.up();
  expect(refused.code, refused.output).not.toBe(0);
  expect(refused.output).toMatch(/error: .*toy-host: connecting to 127\.0\.0\.1/);
  expect(refused.output).toContain(`expected ${shown(pinned)}`);
  expect(refused.output).toContain(`found    ${shown(found)}`);
  await stack.toys(TOYS);
  await isApplied(/the host key is not the pinned one/);
});

test("a rotated key: up fails with the old one and goes on with the new one", async () => {
  const { userKey } = stack.server;
  stack.server.userKey = makeKey();
  await stack.toys(TOYS, { privateKey: userKey.private });
  const refused = await stack.up();
  expect(refused.code, refused.output).not.toBe(0);
  expect(refused.output).toMatch(/error: .*toy-host: logging in to 127\.0\.0\.1:\d+ as root/);
  await stack.toys(TOYS);
  await isApplied(/none of these was accepted: key from the configuration/);
});

test("another user, as the recorded one may no longer become root", async () => {
  await stack.toys(TOYS, { user: "ops" });
  expect((await stack.up()).code).toBe(0);
  stack.server.env.FAKE_SUDO = "denied";
  await stack.toys(TOYS);
  await isApplied(/ops may not use sudo/);
});

test("a resource dropped in the same edit as a new pin is removed by way of the new one", async () => {
  await stack.toys({ ...TOYS, b: { name: "b", text: "two" } });
  expect((await stack.up()).code).toBe(0);
  await stack.server.reinstall();
  await stack.toys(TOYS);
  const up = await stack.up();
  expect(up.code, up.output).toBe(0);
  expect(up.output).toContain("1 deleted");
  expect(await stack.held("b")).toBeUndefined();
});

test.each<[string, () => Promise<unknown>]>([
  ["pin", () => stack.server.reinstall()],
  ["key", async () => Object.assign(stack.server, { userKey: makeKey() })],
])("destroy after a new %s goes by what the configuration says now", async (_, happens) => {
  await happens();
  const old = await stack.pulumi("destroy", "--yes", "--skip-preview", "--stack", "test");
  expect(old.code, old.output).not.toBe(0);
  expect(old.output).toMatch(/error: .*toy-host: /);
  expect(await stack.held("a")).toBe("one");
  await stack.configure();
  const destroyed = await stack.pulumi("destroy", "--yes", "--skip-preview", "--stack", "test");
  expect(destroyed.code, destroyed.output).toBe(0);
  expect(await stack.held("a")).toBeUndefined();
  for (const text of [destroyed.output, await stack.state()]) expect(text).not.toContain("PRIVATE KEY");
});
