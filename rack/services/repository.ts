import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lastLines, runningPid, startDaemon, stopDaemon } from "../daemon.ts";
import { type Progress, RackError } from "../errors.ts";
import { WORKSTATION_ADDRESS } from "../image/recipe.ts";
import type { SeedFile } from "../node/seed.ts";
import { rackStateDir } from "../paths.ts";
import { mustBeFree } from "./ports.ts";

const SERVER = join(import.meta.dirname, "serve.ts");

const pidFile = (): string => join(rackStateDir("services"), "repository.pid");

/** Serves a published repository at `port`, unless that very server runs already. */
export async function serveRepository(root: string, port: number, tell: Progress): Promise<void> {
  if (runningPid(pidFile()) !== undefined && (await serves(port)) === root) return;
  await stopRepository();
  await mustBeFree(port, "package repository");
  const dir = rackStateDir("services");
  const logFile = join(dir, "repository.log");
  startDaemon({
    argv: [process.execPath, ...process.execArgv, SERVER, root, `${port}`],
    pidFile: pidFile(),
    logFile,
    cwd: dir,
  });
  for (let waitedMs = 0; (await serves(port)) !== root; waitedMs += 100) {
    if (waitedMs > 15_000 || runningPid(pidFile()) === undefined)
      throw new RackError(
        `the rack's package repository did not start on 127.0.0.1:${port}\n${lastLines(logFile)}`,
      );
    await sleep(100);
  }
  tell(`package repository: http://127.0.0.1:${port}/`);
}

export async function stopRepository(): Promise<void> {
  await stopDaemon(pidFile());
}

export function repositoryPid(): number | undefined {
  return runningPid(pidFile());
}

async function serves(port: number): Promise<string | undefined> {
  return fetch(`http://127.0.0.1:${port}/.serves`, { signal: AbortSignal.timeout(3000) }).then(
    (response) => response.text(),
    () => undefined,
  );
}

/** What the site's administrator puts on a new machine: where packages come from and whose signature counts. */
export function aptSeed(port: number, publicKey: string): SeedFile[] {
  const keyring = "/etc/apt/keyrings/site.asc";
  const sources = [
    "Types: deb",
    `URIs: http://${WORKSTATION_ADDRESS}:${port}/`,
    "Suites: ./",
    `Signed-By: ${keyring}`,
    "",
  ].join("\n");
  return [
    { path: keyring, mode: "0644", text: publicKey, when: "always" },
    { path: "/etc/apt/sources.list.d/site.sources", mode: "0644", text: sources, when: "always" },
  ];
}
