import { spawn } from "node:child_process";
import { access, mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadScripts, type Scripts } from "../../provider/ssh/scripts.ts";
import { toyScripts } from "../support/ssh-server.ts";

let folder: string;
let library: string;
let scripts: Scripts;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "racksmith-install-"));
  library = join(folder, "lib");
  scripts = await loadScripts(await toyScripts(folder), library);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The installer as a node runs it, with stdin left open. */
function installer() {
  const child = spawn("sh", ["-c", scripts.install], { env: { ...process.env, RACKSMITH_RUN: folder } });
  let err = "";
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  const ended = new Promise((resolve) => child.once("close", (code) => resolve({ code, err })));
  return { child, ended };
}

const unpacking = async () => (await readdir(library)).filter((name) => name.startsWith(".new."));

test("two workstations install at the same time: neither takes the other's copy away", async () => {
  const archive = await scripts.archive();
  const first = installer();
  first.child.stdin.write(archive.subarray(0, archive.length / 2));
  await expect.poll(() => unpacking().catch(() => []), { timeout: 10_000 }).toHaveLength(1);
  const second = installer();
  second.child.stdin.end(archive);
  expect(await second.ended).toEqual({ code: 0, err: "" });
  first.child.stdin.end(archive.subarray(archive.length / 2));
  expect(await first.ended).toEqual({ code: 0, err: "" });
  await access(join(library, "current/run"));
  expect((await readdir(library)).sort()).toEqual([scripts.hash, "current"].sort());
});

test("what an installation that a power cut ended left behind goes an hour later", async () => {
  const left = join(library, ".new.abcdef");
  await mkdir(left, { recursive: true });
  const before = new Date(Date.now() - 2 * 3_600_000);
  await utimes(left, before, before);
  const { child, ended } = installer();
  child.stdin.end(await scripts.archive());
  expect(await ended).toEqual({ code: 0, err: "" });
  expect(await unpacking()).toEqual([]);
});
