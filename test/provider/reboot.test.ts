import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ConnectionInput } from "../../config/connection.ts";
import { Dispatcher } from "../../provider/ssh/command.ts";
import { type RebootTimes, rebootHost } from "../../provider/ssh/reboot.ts";
import { loadScripts } from "../../provider/ssh/scripts.ts";
import { Session } from "../../provider/ssh/session.ts";
import { SshServer, toyScripts } from "../support/ssh-server.ts";
import { fixture, Messages } from "./host-fixture.ts";

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

/** As `SshHost` calls it, with times that a test can wait for. */
async function rebooting(times: Partial<RebootTimes>, connection: Partial<ConnectionInput> = {}) {
  const session = new Session(server.connection(connection));
  const dispatcher = new Dispatcher(session, loadScripts(await toyScripts(server.folder), server.library));
  const stopping = new AbortController();
  const report = new Messages();
  const all = { askAgainMs: 60_000, answerMs: 30_000, ...times };
  const ended = rebootHost(session, dispatcher, report, stopping.signal, all).catch(
    (error: unknown) => error,
  );
  return { session, report, stopping, ended };
}

test("a cut while the reboot was asked for is no reboot: it is asked for again", async () => {
  const log = join(server.folder, "systemctl");
  server.env.FAKE_SYSTEMCTL_LOG = log;
  const theirs = await fixture(server);
  const inputs = { ...slow, slow: 30 };
  const acting = theirs.pool.host(server.connection()).act("toy", "apply", "k", inputs, theirs.report);
  while (!theirs.report.statuses.includes("tenth 2 of 30")) await sleep(20);
  const { session, report, stopping, ended } = await rebooting({ askAgainMs: 500 });
  while (!report.statuses.some((text) => text.includes("waiting for an act"))) await sleep(20);
  server.proxy.cut();
  await acting;
  await expect.poll(() => readFile(log, "utf8").catch(() => ""), { timeout: 8_000 }).toContain("reboot");
  expect(report.statuses.join("\n")).toContain("asking for the reboot again");
  stopping.abort(new Error("cancelled"));
  expect(await ended).toMatchObject({ kind: "cancelled" });
  await Promise.all([session.end(), theirs.pool.end()]);
}, 20_000);

test("a host that comes back half, and answers nothing, is given up after rebootTimeoutSeconds", async () => {
  const log = join(server.folder, "systemctl");
  server.env.FAKE_SYSTEMCTL_LOG = log;
  const { session, ended } = await rebooting({ answerMs: 300 }, { rebootTimeoutSeconds: 3 });
  await expect.poll(() => readFile(log, "utf8").catch(() => ""), { timeout: 5_000 }).toContain("reboot");
  server.silent = true;
  expect(await ended).toMatchObject({
    kind: "unreachable",
    message: expect.stringContaining("did not come back within 3 s"),
  });
  await session.end();
});

test("cancelled while a half-booted host does not answer", async () => {
  const log = join(server.folder, "systemctl");
  server.env.FAKE_SYSTEMCTL_LOG = log;
  const { session, report, stopping, ended } = await rebooting({});
  await expect.poll(() => readFile(log, "utf8").catch(() => ""), { timeout: 5_000 }).toContain("reboot");
  server.silent = true;
  while (!report.statuses.some((text) => text.includes("to come back"))) await sleep(20);
  await sleep(200);
  stopping.abort(new Error("cancelled"));
  expect(await ended).toMatchObject({ kind: "cancelled", host: "toy-host" });
  await session.end();
});
