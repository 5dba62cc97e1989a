import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { capture } from "../process.ts";
import { which } from "../which.ts";
import { isAtLeast, oldestPulumi, plugins } from "./versions.ts";

export interface OwnEngine {
  pulumi: string;
  version: string;
  /** Why it is not used; absent when it suits. */
  unfit?: string;
}

/** The user's own engine: `pulumi` on PATH, its version, and whether its Node language host is there. */
export async function ownEngine(env: NodeJS.ProcessEnv = process.env): Promise<OwnEngine | undefined> {
  const pulumi = which("pulumi", env.PATH);
  if (!pulumi) return undefined;
  const quiet = { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const asked = await capture(pulumi, ["version"], { env: quiet, cwd: "/", timeoutSeconds: 20 });
  const version = asked.stdout.trim().replace(/^v/, "");
  if (asked.status !== 0 || !/^\d+\.\d+/.test(version))
    return { pulumi, version: "?", unfit: "`pulumi version` fails" };
  const oldest = oldestPulumi.join(".");
  if (!isAtLeast(version, oldest)) return { pulumi, version, unfit: `older than ${oldest}` };
  const host = "pulumi-language-nodejs";
  if (!which(host, env.PATH) && !existsSync(join(dirname(pulumi), host))) {
    return { pulumi, version, unfit: `${host} is neither beside it nor on PATH` };
  }
  return { pulumi, version };
}

/** Where the user's `pulumi` keeps plugins and logins. */
export function userPulumiHome(env: NodeJS.ProcessEnv = process.env): string {
  return env.PULUMI_HOME || join(env.HOME || homedir(), ".pulumi");
}

/** The second line of an offline edition's wrapper: tells it from an official plugin in the same place. */
export const offlineMark = "# racksmith: the offline edition";

/** The official plugins, at the wanted versions, that are not installed in that Pulumi home. */
export function missingOfficialPlugins(home: string): string[] {
  return Object.entries(plugins)
    .filter(([name, version]) => {
      const file = join(home, "plugins", `resource-${name}-v${version}`, `pulumi-resource-${name}`);
      return !existsSync(file) || firstBytes(file).includes(offlineMark);
    })
    .map(([name, version]) => `${name} ${version}`);
}

function firstBytes(file: string): string {
  const fd = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(64);
    return buffer.toString("latin1", 0, readSync(fd, buffer, 0, 64, 0));
  } finally {
    closeSync(fd);
  }
}
