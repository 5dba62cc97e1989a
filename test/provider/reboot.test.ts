import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SshServer } from "../support/ssh-server.ts";
import { fixture } from "./host-fixture.ts";

let server: SshServer;
beforeEach(async () => {
  server = await SshServer.start();
});
afterEach(() => server.stop());

const slow = { name: "a", text: "x", slow: 15, broken: "", password: "" };

test("another workstation's act is waited for before the host is rebooted, and that is said", async () => {
  const log = join(server.folder, "systemctl");
  server.env.FAKE_SYSTEMCTL_LOG = log;
  const theirs = await fixture(server);
  const ours = await fixture(server);
  const acting = theirs.pool.host(server.connection()).act("toy", "apply", "k", slow, theirs.report);
  while (!theirs.report.statuses.includes("tenth 2 of 15")) await sleep(20);
  const rebooting = ours.pool.host(server.connection()).reboot(ours.report);
  const ended = rebooting.catch((error: unknown) => error);
  const asked = () => ours.report.statuses.some((text) => text.includes("waiting for an act"));
  await expect.poll(asked, { timeout: 5_000 }).toBe(true);
  expect(await readFile(log, "utf8").catch(() => "")).toBe("");
  await acting;
  await expect.poll(() => readFile(log, "utf8").catch(() => ""), { timeout: 5_000 }).toContain("reboot");
  ours.stopping.abort(new Error("cancelled"));
  expect(await ended).toMatchObject({ kind: "cancelled", host: "toy-host" });
  await Promise.all([ours.pool.end(), theirs.pool.end()]);
});
