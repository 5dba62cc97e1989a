import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { capture } from "../../cli/process.ts";
import { tool } from "./tools.ts";

/** A real ssh-agent that holds that key. */
export async function agentWith(keyFile: string): Promise<{ socket: string; stop(): void }> {
  const folder = await mkdtemp(join(tmpdir(), "racksmith-agent-"));
  const socket = join(folder, "socket");
  const agent = spawn(tool("ssh-agent"), ["-D", "-a", socket], { stdio: "ignore" });
  const stop = () => {
    agent.kill();
    void rm(folder, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    const added = await capture(tool("ssh-add"), ["-q", keyFile], { env: { SSH_AUTH_SOCK: socket } });
    if (added.status === 0) return { socket, stop };
    if (tries === 50) {
      stop();
      throw new Error(`ssh-add: ${added.stderr}`);
    }
    await sleep(100);
  }
}
