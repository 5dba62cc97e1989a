import ssh2 from "ssh2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forward } from "../../provider/ssh/dial.ts";
import { Session } from "../../provider/ssh/session.ts";
import { SshServer } from "../support/ssh-server.ts";

let server: SshServer;
beforeEach(async () => {
  server = await SshServer.start();
});
afterEach(() => server.stop());

test("a dropped connection that closes late does not take the new one's place with it", async () => {
  const session = new Session(server.connection());
  await session.exec("trying", "true");
  await session.drop();
  await Promise.all([session.exec("trying", "true"), session.exec("trying", "true")]);
  await session.exec("trying", "true");
  expect(session.counts.connections).toBe(2);
  await session.end();
});

test("a connection that was cut is made anew by the next one who asks", async () => {
  const session = new Session(server.connection());
  const { client } = await session.connect();
  const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
  server.proxy.cut();
  await closed;
  expect(await session.exec("trying", "exit 3")).toEqual({ code: 3, stderr: [] });
  expect(session.counts.connections).toBe(2);
  await session.end();
});

test("a connection that is closing and has not said so yet counts as cut, and is made anew", async () => {
  const session = new Session(server.connection());
  const { client } = await session.connect();
  client.end();
  const listeners = client.listenerCount("close");
  await expect(session.exec("trying", "true")).rejects.toMatchObject({ kind: "cut", host: "toy-host" });
  expect(client.listenerCount("close")).toBe(listeners);
  expect(await session.exec("trying", "true")).toMatchObject({ code: 0 });
  expect(session.counts.connections).toBe(2);
  await session.end();
});

test("an abort that comes while the channel opens ends the command", async () => {
  const session = new Session(server.connection());
  await session.connect();
  const stopping = new AbortController();
  const running = session.exec("trying", "sleep 8", { signal: stopping.signal });
  await new Promise((resolve) => setImmediate(resolve));
  expect(session.counts.channels).toBe(0);
  const begun = Date.now();
  stopping.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
  expect(Date.now() - begun).toBeLessThan(2_000);
  // Its place is free again, as often as there are places.
  const signal = stopping.signal;
  for (let n = 0; n < 8; n++) await session.exec("trying", "sleep 8", { signal }).catch(() => undefined);
  expect(await session.exec("trying", "true")).toMatchObject({ code: 0 });
  await session.end();
});

test("a jump host that goes as soon as it has let us in is told as a failed connection to the host", async () => {
  const way = forward(new ssh2.Client(), "toy-host", server.connection());
  await expect(way).rejects.toMatchObject({ kind: "unreachable", host: "toy-host", transient: true });
});
