import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SshServer } from "../support/ssh-server.ts";
import { fixture } from "./host-fixture.ts";

let server: SshServer;
beforeEach(async () => {
  server = await SshServer.start();
});
afterEach(() => server.stop());

async function uploading(localPath: string): Promise<unknown> {
  const { pool, report } = await fixture(server, 1_500);
  const host = pool.host(server.connection());
  const upload = { localPath, key: "weights-a", sizeBytes: 5_000_000, offsetBytes: 0 };
  const error = await host.upload(upload, report).catch((thrown: unknown) => thrown);
  expect(report.statuses.filter((text) => text.includes("reconnecting"))).toEqual([]);
  await pool.end();
  return error;
}

test("a file that has gone from the workstation fails that upload, and nothing else", async () => {
  const path = join(server.folder, "gone.bin");
  const error = await uploading(path);
  expect(error).toMatchObject({ kind: "failed", host: "toy-host" });
  expect(String(error)).toContain(`cannot read ${path} on this workstation: ENOENT`);
  expect(String(error)).toMatch(/→ see that .* then run `up` again/);
});

// Opens well, and the kernel answers its reads with EIO: nothing is mapped at address 0.
test("a file that opens and cannot be read says so, and is not tried for ten minutes", async () => {
  const error = await uploading("/proc/self/mem");
  expect(error).toMatchObject({ kind: "failed" });
  expect(String(error)).toContain("cannot read /proc/self/mem on this workstation: EIO");
});
