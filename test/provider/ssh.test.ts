import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SshServer } from "../support/ssh-server.ts";
import { fixture } from "./host-fixture.ts";

let server: SshServer;
beforeEach(async () => {
  server = await SshServer.start();
});
afterEach(() => server.stop());

test("ten reads take one connection and at most three channels, and the scripts travel once", async () => {
  const { pool, report } = await fixture(server);
  const host = pool.host(server.connection());
  const names = Array.from({ length: 10 }, (_, i) => `toy-${i}`);
  const facts = await Promise.all(names.map((name) => host.observe("toy", { name }, report)));
  expect(facts).toEqual(names.map(() => ({ present: false, text: "" })));
  expect(server.proxy.connections).toBe(1);
  expect(server.channels).toBeLessThanOrEqual(3);
  await host.observe("toy", { name: "toy-3" }, report);
  expect(server.channels).toBeLessThanOrEqual(3);
  await pool.end();

  const second = await fixture(server);
  await second.pool.host(server.connection()).observe("toy", { name: "toy-1" }, second.report);
  expect(server.commands.filter((command) => command.includes("tar -xzf"))).toHaveLength(1);
  await second.pool.end();
});

test("an act runs and its words arrive", async () => {
  const { pool, report } = await fixture(server);
  const host = pool.host(server.connection());
  const inputs = { name: "a", text: "hello\n$(id)", slow: 2, broken: "", password: "" };
  expect(await host.act("toy", "apply", "k", inputs, report)).toEqual({ rebootWhy: undefined, found: false });
  expect(report.statuses).toContain("tenth 1 of 2");
  expect(await host.observe("toy", { name: "a" }, report)).toEqual({ present: true, text: "hello\n$(id)" });
  expect(await readFile(join(server.folder, "toy/.acts"), "utf8")).toBe("begin a\nend a\n");
  await pool.end();
});

test("a small file arrives whole, though the channel opens later than the file can be read", async () => {
  const { pool, report } = await fixture(server);
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
  const localPath = join(server.folder, "model.bin");
  await writeFile(localPath, bytes);
  const upload = { localPath, key: "weights-a", sizeBytes: bytes.length, offsetBytes: 0 };
  await pool.host(server.connection()).upload(upload, report);
  expect((await readFile(join(server.folder, "incoming/weights-a"))).equals(bytes)).toBe(true);
  await pool.end();
});
