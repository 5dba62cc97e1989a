import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SshServer, toyScripts } from "../support/ssh-server.ts";
import { PluginProcess } from "./plugin-process.ts";

const WRAPPER = fileURLToPath(new URL("../engine/toy-provider/pulumi-resource-racksmith", import.meta.url));
/** What an engine is to a plugin: the parent that starts it with an address. */
const ENGINE = `
import { spawn } from "node:child_process";
spawn(${JSON.stringify(WRAPPER)}, ["127.0.0.1:9"], { stdio: ["ignore", "inherit", "inherit"] });
`;

async function text(path: string): Promise<string> {
  return await readFile(path, "utf8").catch(() => "");
}

/** Whether it runs: one that has ended may stay a zombie where no init collects it. */
async function runs(pid: number): Promise<boolean> {
  const stat = await text(`/proc/${pid}/stat`);
  return stat !== "" && !/\) [ZX] /.test(stat);
}

test("the provider of an engine that was killed ends, and does nothing more on the host", async ({
  onTestFinished,
}) => {
  const server = await SshServer.start();
  onTestFinished(() => server.stop());
  await toyScripts(server.folder);
  const systemctl = join(server.folder, "systemctl");
  server.env.FAKE_SYSTEMCTL_LOG = systemctl;
  const pids = join(server.folder, "pids");
  const engine = await PluginProcess.start(ENGINE, {
    TOY_SCRIPTS: join(server.folder, "scripts"),
    TOY_LIBRARY: server.library,
    TOY_PIDS: pids,
  });
  const pid = Number(await text(pids));
  onTestFinished(async () => {
    if (await runs(pid)) process.kill(pid, "SIGKILL");
  });
  // The act takes 5 s and then asks for a reboot.
  const inputs = { name: "a", text: "one", slow: 50, broken: "reboot", connection: server.connectionInput() };
  void engine.create("a", inputs as never);
  const acts = join(server.folder, "toy/.acts");
  await expect.poll(() => text(acts), { timeout: 10_000 }).toBe("begin a\n");
  expect(await runs(pid)).toBe(true);
  await engine.kill();
  await expect.poll(() => runs(pid), { timeout: 4_000 }).toBe(false);
  // What had begun there went on to its end, alone; nobody was left to reboot the host.
  await expect.poll(() => text(acts), { timeout: 8_000 }).toBe("begin a\nend a\n");
  await sleep(1_500);
  expect(await text(systemctl)).not.toContain("reboot");
}, 40_000);
