// An engine that asks is in the terminal's foreground: a real terminal (script of util-linux), an engine that counts.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-operate-"));
});
let engine: number | undefined;
afterEach(() => {
  // One that is still there holds the terminal, and with it this run.
  if (engine !== undefined && existsSync(`/proc/${engine}`)) process.kill(engine, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Says how often it was interrupted; as the real one, it ends at once the second time. */
const ENGINE = `#!/usr/bin/env bash
interrupts=0
trap 'interrupts=$((interrupts + 1)); echo "engine: interrupt $interrupts"; if [ $interrupts = 2 ]; then exit 1; fi' INT
echo "engine: at work, $$"
while :; do sleep 0.05; done
`;

function asking() {
  const pulumi = join(folder, "pulumi");
  writeFileSync(pulumi, ENGINE, { mode: 0o755 });
  const env = { PATH: process.env.PATH };
  const stack = { name: "lab", configFile: "lab.yaml", engine: { pulumi }, env, cwd: folder };
  const program = join(import.meta.dirname, "operate-asking.ts");
  const terminal = spawn("script", ["-qefc", 'exec "$NODE" "$PROGRAM"', "/dev/null"], {
    env: { ...process.env, STACK: JSON.stringify(stack), NODE: process.execPath, PROGRAM: program },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  terminal.stdout.on("data", (chunk) => (output += chunk));
  const ended = new Promise<number | null>((resolve) => terminal.on("close", resolve));
  return { type: (text: string) => terminal.stdin.write(text), ended, output: () => output };
}

const CTRL_C = "\x03";

it("says at the first Ctrl-C what a second one does, and at the second that it was done", async () => {
  const { type, ended, output } = asking();
  await expect.poll(output, { timeout: 10_000 }).toMatch(/engine: at work, \d+/);
  engine = Number(/at work, (\d+)/.exec(output())?.[1]);
  type(CTRL_C);
  await expect.poll(output).toContain("engine: interrupt 1");
  await expect.poll(output).toMatch(/SIGINT: ending cleanly.*a second Ctrl-C drops what is under way/);
  type(CTRL_C);
  expect(await ended, output()).toBe(130);
  expect(output()).toContain("engine: interrupt 2");
  expect(output()).toContain("the engine drops what is under way; the next up recovers");
  expect(output()).not.toContain("already ending");
});
