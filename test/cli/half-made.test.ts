// A killed run's containers are removed only where no other run can be at work. `pulumi` and `ssh` are recorders.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { exitCodes } from "../../cli/errors.ts";
import { halfMadeContainers } from "../../cli/stack/half-made.ts";
import { openStack, readyStack, type Stack } from "../../cli/stack/pulumi.ts";
import { pendingOf } from "../../cli/stack/state.ts";

const killedRun = join(import.meta.dirname, "goldens", "killed-run.json");
let folder: string;
let stack: Stack;
let said: string;

/** What the commands that write the state do. */
function pulumi(written: string): void {
  const script = `#!/bin/sh\necho "pulumi $1 $2" >>"${folder}/calls"\ncase $2 in export) cat "${killedRun}" ;; import | unprotect) ${written} ;; esac\n`;
  writeFileSync(join(folder, "pulumi"), script, { mode: 0o755 });
}
function ssh(answers: string): void {
  const script = `#!/bin/sh\necho "ssh" >>"${folder}/calls"\n${answers}\n`;
  writeFileSync(join(folder, "ssh"), script, { mode: 0o755 });
}
const calls = () => readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n");

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-half-made-"));
  ssh("echo removed");
  writeFileSync(join(folder, "lab.yaml"), "");
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
  said = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += text;
    return true;
  });
  const env = { PULUMI_BACKEND_URL: "s3://bucket" };
  const engine = { pulumi: join(folder, "pulumi"), origin: "own", edition: "offline", env } as const;
  stack = openStack("lab", engine, join(folder, "lab.yaml"), folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

it("under the stack's lock what was half made is removed, then the state is repaired", async () => {
  pulumi("cat >/dev/null");
  const repaired = await readyStack(stack);
  expect(calls()).toEqual(["pulumi stack export", "pulumi state unprotect", "ssh", "pulumi stack import"]);
  expect(repaired && pendingOf(repaired)).toEqual([]);
});

it("while another run is at work nothing is removed", async () => {
  pulumi("echo 'error: the stack is currently locked by 1 lock(s)' >&2; exit 255");
  await expect(readyStack(stack)).rejects.toMatchObject({ exitCode: exitCodes.locked });
  expect(calls()).toEqual(["pulumi stack export", "pulumi state unprotect"]);
});

it("a host that does not answer: it stays pending, so that the next up tries again", async () => {
  pulumi("cat >/dev/null");
  ssh("echo 'ssh: connect to host 192.0.2.7 port 2201: No route to host' >&2; exit 255");
  const left = await readyStack(stack);
  expect(calls()).toEqual(["pulumi stack export", "pulumi state unprotect", "ssh"]);
  expect(left && halfMadeContainers(left)).toHaveLength(1);
  expect(said).toMatch(
    /192\.0\.2\.7: .*racksmith-prometheus half made.*No route to host\n.*the next up tries/,
  );
  ssh("echo removed");
  await readyStack(stack);
  expect(calls().slice(3)).toEqual(calls().slice(0, 3).concat("pulumi stack import"));
});

it("a preview neither repairs nor removes", async () => {
  pulumi("cat >/dev/null");
  await readyStack(stack, true);
  expect(calls()).toEqual(["pulumi stack export"]);
});
