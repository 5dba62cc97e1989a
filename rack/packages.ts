import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemPath, which } from "../cli/which.ts";
import { type Progress, RackError } from "./errors.ts";
import { withLock } from "./lock.ts";
import { cacheDir } from "./paths.ts";
import { run } from "./run.ts";

/** Commands, each with the Debian package that has it; a name that begins with / is a file. */
export type PackageOf = Readonly<Record<string, string>>;

/** Units that a package would start for good, on every interface; we start programs ourselves, when needed. */
const UNITS_OF: Readonly<Record<string, readonly string[]>> = {
  "docker-registry": ["docker-registry.service"],
  "docker.io": ["docker.socket", "docker.service", "containerd.service"],
  haproxy: ["haproxy.service"],
  "openssh-server": ["ssh.socket", "ssh.service"],
  prometheus: ["prometheus.service", "prometheus-node-exporter.service"],
  "prometheus-alertmanager": ["prometheus-alertmanager.service"],
};

/** Where a command or a file is; the system's own folders count, whatever PATH says. */
export function findTool(tool: string): string | undefined {
  if (tool.startsWith("/")) return existsSync(tool) ? tool : undefined;
  return which(tool, systemPath());
}

/** The Debian packages that are missing for these commands. */
export function missingPackages(packageOf: PackageOf): string[] {
  const missing = Object.entries(packageOf).filter(([tool]) => !findTool(tool));
  return [...new Set(missing.map(([, its]) => its))];
}

/**
 * Makes sure that the commands are there: as root on Debian or Ubuntu their packages are installed, the list
 * said first; else throws a `RackError` with the command to run. `who` is what wants them. Services that come
 * with them are neither started nor enabled.
 */
export async function needPackages(who: string, packageOf: PackageOf, tell: Progress): Promise<void> {
  const missing = missingPackages(packageOf);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get"))
    throw new RackError(
      `${who}: needs ${missing.join(", ")}, not installed here; run \`sudo apt-get install ${missing.join(" ")}\` and try again`,
    );
  await withLock(join(cacheDir(), "rack", "tools.lock"), tell, async () => {
    const still = missingPackages(packageOf);
    if (still.length === 0) return;
    tell(`${who}: installing what it needs: ${still.join(" ")}`);
    await unstarted(still, () => install(still));
    const left = Object.keys(packageOf).filter((tool) => !findTool(tool));
    if (left.length > 0)
      throw new RackError(`${who}: ${left.join(", ")} not found though ${still.join(", ")} is installed`);
  });
}

async function install(packages: readonly string[]): Promise<void> {
  const apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=600"] as const;
  const line = [...apt, "install", "-y", "--no-install-recommends", ...packages] as const;
  await run(line).catch(async () => {
    await run([...apt, "update"]);
    await run(line);
  });
}

/** Masked for the while, a unit is not started by its package; then it is left disabled. */
async function unstarted(packages: readonly string[], work: () => Promise<void>): Promise<void> {
  const units = packages.flatMap((name) => UNITS_OF[name] ?? []);
  if (units.length === 0 || !existsSync("/run/systemd/system")) return work();
  await run(["systemctl", "mask", "--runtime", ...units]);
  try {
    await work();
    // A unit that this release does not have is no error.
    for (const unit of units) await run(["systemctl", "disable", unit]).catch(() => undefined);
  } finally {
    await run(["systemctl", "unmask", "--runtime", ...units]);
  }
}
