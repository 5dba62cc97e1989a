import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test as base, expect } from "vitest";
import { HostError } from "../../provider/ssh/errors.ts";
import { makeKey, SshServer } from "../support/ssh-server.ts";
import { fixture } from "./host-fixture.ts";

// They mostly wait, so all at once: each has a server of its own.
const test = base.extend<{ server: SshServer }>({
  server: async ({ onTestFinished }, use) => {
    const server = await SshServer.start();
    onTestFinished(() => server.stop());
    await use(server);
  },
});

const slow = { name: "a", text: "x", slow: 15, broken: "", password: "" };

async function failure(work: Promise<unknown>): Promise<HostError> {
  const error = await work.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof HostError)) throw error;
  return error;
}

async function observing(
  server: SshServer,
  changes: Parameters<SshServer["connection"]>[0],
): Promise<HostError> {
  const { pool, report } = await fixture(server);
  const error = await failure(pool.host(server.connection(changes)).observe("toy", { name: "a" }, report));
  await pool.end();
  return error;
}

// First, because it takes the longest.
test.concurrent("a host that hangs during an act is noticed within 30 s", async ({ server }) => {
  const { pool, report } = await fixture(server, 1_000);
  const host = pool.host(server.connection({ connectTimeoutSeconds: 2 }));
  const acting = failure(host.act("toy", "apply", "k", slow, report));
  while (!report.statuses.includes("tenth 2 of 15")) await sleep(20);
  const begun = Date.now();
  server.proxy.hang();
  expect((await acting).message).toContain("was running there");
  expect(Date.now() - begun).toBeLessThan(35_000);
  await pool.end();
}, 60_000);

test.concurrent("a changed host key is refused with both fingerprints and the way out", async ({
  server,
}) => {
  const error = await observing(server, { hostKeys: [makeKey().public] });
  expect(error.kind).toBe("host key");
  expect(error.message).toMatch(/expected ssh-ed25519 SHA256:\S{43}\n.*found {4}ssh-ed25519 SHA256:\S{43}/);
  expect(error.message).toMatch(/racksmith trust 127\.0\.0\.1 --port \d+ --stack STACK/);
  expect(server.commands).toEqual([]);
});

test.concurrent("a key that is not accepted: says what was tried", async ({ server }) => {
  const error = await observing(server, { privateKey: makeKey().private, user: "admin" });
  expect(error.kind).toBe("login");
  expect(error.message).toContain("as admin");
  expect(error.message).toContain("key from the configuration");
});

test.concurrent("refused, and no such name, are told apart", async ({ server }) => {
  const port = await server.proxy.refuse();
  const refused = await observing(server, { port });
  expect(refused.message).toContain("connection refused");
  await server.proxy.listenAgain(port);
  const unknown = await observing(server, { address: "no-such-host.invalid" });
  expect(unknown.message).toMatch(/DNS/);
});

test.concurrent("no answer within connectTimeoutSeconds is an error, not a wait", async ({ server }) => {
  server.proxy.hang();
  const begun = Date.now();
  const error = await observing(server, { connectTimeoutSeconds: 1 });
  expect(error.message).toContain("no answer");
  expect(Date.now() - begun).toBeLessThan(5_000);
});

test.concurrent("sudo that asks for a password, or refuses, says what to write where", async ({ server }) => {
  server.env.FAKE_SUDO = "password";
  const password = await observing(server, { user: "ops" });
  expect(password.kind).toBe("sudo");
  expect(password.message).toContain("NOPASSWD");
  server.env.FAKE_SUDO = "denied";
  expect((await observing(server, { user: "ops" })).message).toContain("ops may not use sudo");
});

test.concurrent("through a jump host, whose key is pinned too", async ({ server }) => {
  const { pool, report } = await fixture(server);
  const { name: _, ...jump } = server.connectionInput();
  const facts = await pool.host(server.connection({ jump })).observe("toy", { name: "a" }, report);
  expect(facts).toEqual({ present: false, text: "" });
  await pool.end();
  const wrong = await observing(server, { jump: { ...jump, hostKeys: [makeKey().public] } });
  expect(wrong.kind).toBe("host key");
});

test.concurrent("a cut during an act: it goes on there, is found again and ends once", async ({ server }) => {
  const { pool, report } = await fixture(server);
  const host = pool.host(server.connection());
  await host.observe("toy", { name: "a" }, report);
  const acting = host.act("toy", "apply", "k", slow, report);
  while (!report.statuses.includes("tenth 4 of 15")) await sleep(20);
  server.proxy.cut();
  await acting;
  expect(report.statuses).toContain("tenth 14 of 15");
  expect(report.statuses.filter((text) => text === "tenth 2 of 15")).toHaveLength(1);
  expect(await readFile(join(server.folder, "toy/.acts"), "utf8")).toBe("begin a\nend a\n");
  expect(server.proxy.connections).toBe(2);
  await pool.end();
});

test.concurrent("a cut by a reboot: a machine that lets nobody in yet is waited for", async ({ server }) => {
  const { pool, report } = await fixture(server);
  const host = pool.host(server.connection());
  await host.observe("toy", { name: "a" }, report);
  const acting = host.act("toy", "apply", "k", slow, report);
  while (!report.statuses.includes("tenth 4 of 15")) await sleep(20);
  server.nologin = true;
  server.proxy.cut();
  while (server.proxy.connections < 2) await sleep(20);
  await sleep(300);
  server.nologin = false;
  await acting;
  expect(await readFile(join(server.folder, "toy/.acts"), "utf8")).toBe("begin a\nend a\n");
  await pool.end();
});

test.concurrent("a cut for good: says where the act stands", async ({ server }) => {
  const { pool, report } = await fixture(server, 1_500);
  const host = pool.host(server.connection());
  const acting = failure(host.act("toy", "apply", "k", slow, report));
  while (!report.statuses.includes("tenth 2 of 15")) await sleep(20);
  await server.proxy.refuse();
  const error = await acting;
  expect(error.message).toMatch(/racksmith-act-toy-apply-\d+ was running there/);
  expect(error.message).toContain("the next `up` goes on");
  await pool.end();
}, 30_000);

test.concurrent("a second run finds the act of the first and follows it", async ({ server }) => {
  const first = await fixture(server);
  const second = await fixture(server);
  const acting = first.pool.host(server.connection()).act("toy", "apply", "k", slow, first.report);
  while (!first.report.statuses.includes("tenth 2 of 15")) await sleep(20);
  const host = second.pool.host(server.connection());
  expect(await host.act("toy", "apply", "k", slow, second.report)).toMatchObject({ found: true });
  await acting;
  expect(await readFile(join(server.folder, "toy/.acts"), "utf8")).toBe("begin a\nend a\n");
  await Promise.all([first.pool.end(), second.pool.end()]);
});

test.concurrent("cancelled: following stops, the act goes on, and the message says so", async ({
  server,
}) => {
  const { pool, report, stopping } = await fixture(server);
  const acting = failure(pool.host(server.connection()).act("toy", "apply", "k", slow, report));
  while (!report.statuses.includes("tenth 2 of 15")) await sleep(20);
  stopping.abort(new Error("cancelled"));
  const error = await acting;
  expect(error.kind).toBe("cancelled");
  expect(error.message).toMatch(/systemctl stop racksmith-act-toy-apply-\d+/);
  await sleep(2_500);
  expect(await readFile(join(server.folder, "toy/.acts"), "utf8")).toBe("begin a\nend a\n");
  await pool.end();
});

test.concurrent("a failing act: last lines, and no secret in them", async ({ server }) => {
  const { pool, redactor, report } = await fixture(server);
  redactor.learn("canary-5512");
  const inputs = { ...slow, slow: 0, broken: "fail", password: "canary-5512" };
  const error = await failure(pool.host(server.connection()).act("toy", "apply", "k", inputs, report));
  expect(error.message).toContain("the toy is broken: [secret]");
  expect(server.commands.join()).not.toContain("canary");
  await pool.end();
});

test.concurrent("cancelled while it waits to observe behind another workstation's act", async ({
  server,
}) => {
  const theirs = await fixture(server);
  const ours = await fixture(server);
  const inputs = { ...slow, slow: 40 };
  const acting = theirs.pool.host(server.connection()).act("toy", "apply", "k", inputs, theirs.report);
  while (!theirs.report.statuses.includes("tenth 2 of 40")) await sleep(20);
  const host = ours.pool.host(server.connection());
  const observing = failure(host.observe("toy", { name: "a" }, ours.report));
  while (!ours.report.statuses.some((text) => text.includes("waiting for an act"))) await sleep(20);
  const begun = Date.now();
  ours.stopping.abort(new Error("cancelled"));
  expect(await observing).toMatchObject({ kind: "cancelled", host: "toy-host" });
  expect(Date.now() - begun).toBeLessThan(1_000);
  await acting;
  await Promise.all([ours.pool.end(), theirs.pool.end()]);
});

test.concurrent("cancelled while it connects in order to observe", async ({ server }) => {
  const { pool, report, stopping } = await fixture(server);
  server.proxy.hang();
  const observing = failure(pool.host(server.connection()).observe("toy", { name: "a" }, report));
  while (server.proxy.connections === 0) await sleep(20);
  const begun = Date.now();
  stopping.abort(new Error("cancelled"));
  expect(await observing).toMatchObject({ kind: "cancelled", host: "toy-host" });
  expect(Date.now() - begun).toBeLessThan(1_000);
});
