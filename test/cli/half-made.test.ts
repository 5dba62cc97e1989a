// A killed run's containers are removed only where no other run can be at work. `pulumi` and `ssh` are recorders.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { exitCodes } from "../../cli/errors.ts";
import { openStack, readyStack, type Stack } from "../../cli/stack/pulumi.ts";

const killedRun = join(import.meta.dirname, "goldens", "killed-run.json");
let folder: string;
let stack: Stack;

/** What `stack import` does. */
function pulumi(imported: string): void {
  const script = `#!/bin/sh\necho "pulumi $1 $2" >>"${folder}/calls"\ncase $2 in export) cat "${killedRun}" ;; import) ${imported} ;; esac\n`;
  writeFileSync(join(folder, "pulumi"), script, { mode: 0o755 });
}
const calls = () => readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n");

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-half-made-"));
  writeFileSync(join(folder, "ssh"), `#!/bin/sh\necho "ssh" >>"${folder}/calls"\necho removed\n`, {
    mode: 0o755,
  });
  writeFileSync(join(folder, "lab.yaml"), "");
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const env = { PULUMI_BACKEND_URL: "s3://bucket" };
  const engine = { pulumi: join(folder, "pulumi"), origin: "own", edition: "offline", env } as const;
  stack = openStack("lab", engine, join(folder, "lab.yaml"), folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

it("the state is repaired first, under its lock, then what was half made is removed", async () => {
  pulumi("cat >/dev/null");
  await readyStack(stack);
  expect(calls()).toEqual(["pulumi stack export", "pulumi stack import", "ssh"]);
});

it("while another run is at work nothing is removed", async () => {
  pulumi("echo 'error: the stack is currently locked by 1 lock(s)' >&2; exit 255");
  await expect(readyStack(stack)).rejects.toMatchObject({ exitCode: exitCodes.locked });
  expect(calls()).toEqual(["pulumi stack export", "pulumi stack import"]);
});

it("a preview neither repairs nor removes", async () => {
  pulumi("cat >/dev/null");
  await readyStack(stack, true);
  expect(calls()).toEqual(["pulumi stack export"]);
});
