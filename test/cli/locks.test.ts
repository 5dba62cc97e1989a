import { spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { CliError, exitCodes } from "../../cli/errors.ts";
import { fileBackendDir, lockFolder } from "../../cli/stack/backend.ts";
import { judgeLocks, processStart, recoverLocks } from "../../cli/stack/locks.ts";

let backend: string;
let folder: string;

beforeEach(() => {
  backend = mkdtempSync(join(tmpdir(), "racksmith-locks-"));
  folder = lockFolder(backend, "lab");
  mkdirSync(folder, { recursive: true });
});
afterEach(() => rmSync(backend, { recursive: true, force: true }));

/** As the engine's file backend writes them: the lock and, beside it, its attributes. */
function lock(content: object | string, name = "55d5b064-393b-466f-971e-2e9fd25e3f83.json"): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  writeFileSync(`${file}.attrs`, "{}");
  return file;
}

async function deadPid(): Promise<number> {
  const child = spawn("true");
  await new Promise((resolve) => child.on("close", resolve));
  return child.pid ?? 0;
}

const content = (pid: number, more = {}) => ({
  pid,
  username: "ops",
  hostname: hostname(),
  timestamp: new Date().toISOString(),
  ...more,
});

it("removes the lock of a process that is gone, with its attributes", async () => {
  lock(content(await deadPid()));
  await recoverLocks(folder, "lab");
  expect(readdirSync(folder)).toEqual([]);
});

it("refuses while its process lives, and names who and since when", async () => {
  const file = lock(content(process.pid));
  const refused = recoverLocks(folder, "lab");
  await expect(refused).rejects.toThrow(new RegExp(`ops@${hostname()} \\(pid ${process.pid}, since 20`));
  await expect(refused).rejects.toMatchObject({ exitCode: exitCodes.locked });
  expect(existsSync(file)).toBe(true);
});

it("is not fooled by a younger process with the same number", async () => {
  const before = new Date((processStart(process.pid) ?? 0) - 60_000).toISOString();
  lock(content(process.pid, { timestamp: before }));
  await recoverLocks(folder, "lab");
  expect(readdirSync(folder)).toEqual([]);
});

it("an engine at work is believed whatever the clock says: it may have stepped forward since", async () => {
  const engine = join(backend, "pulumi");
  copyFileSync("/bin/sleep", engine);
  chmodSync(engine, 0o755);
  const child = spawn(engine, ["60"]);
  const ended = new Promise((resolve) => child.on("close", resolve));
  try {
    await expect.poll(() => readFileSync(`/proc/${child.pid}/comm`, "utf8")).toBe("pulumi\n");
    const before = new Date((processStart(child.pid ?? 0) ?? 0) - 3_600_000).toISOString();
    lock(content(child.pid ?? 0, { timestamp: before }));
    await expect(recoverLocks(folder, "lab")).rejects.toThrow(/still running/);
  } finally {
    child.kill();
    await ended;
  }
  await recoverLocks(folder, "lab");
  expect(readdirSync(folder)).toEqual([]);
});

it("never judges another machine's process", async () => {
  lock(content(await deadPid(), { hostname: "another-machine" }));
  await expect(recoverLocks(folder, "lab")).rejects.toThrow(/another machine/);
});

it("keeps a lock that is being written, and removes one torn long ago", async () => {
  const file = lock('{"pid": 12');
  await expect(recoverLocks(folder, "lab")).rejects.toBeInstanceOf(CliError);
  utimesSync(file, new Date(), new Date(Date.now() - 3_600_000));
  await recoverLocks(folder, "lab");
  expect(existsSync(file)).toBe(false);
});

it("a stack that was never locked has nothing to recover", async () => {
  expect(await judgeLocks(join(backend, "nowhere"))).toEqual([]);
});

it("reads a backend's folder the way the engine does, and leaves other backends alone", () => {
  expect(fileBackendDir("file:///srv/my state#%20")).toBe("/srv/my state#%20");
  expect(fileBackendDir("file://~/x", "/home/a")).toBe("/home/a/x");
  expect(fileBackendDir("s3://bucket")).toBeUndefined();
  expect(fileBackendDir(undefined)).toBeUndefined();
});
