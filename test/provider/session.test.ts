import { afterEach, beforeEach, expect, test } from "vitest";
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
