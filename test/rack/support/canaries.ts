import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { sshArgv } from "../../../rack/index.ts";
import { stateDir } from "../../../rack/paths.ts";
import { run } from "../../../rack/run.ts";
import type { TestNode } from "../../../rack/testing.ts";

/** A value that occurs nowhere else, by what it is the secret of. */
export const canary = (of: string): string => `canary-${of}-${randomBytes(9).toString("hex")}`;

/** As it is, and as it may have travelled. */
const forms = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString("base64").replace(/=+$/, ""),
];

/** Looks at the arguments of every process, here and on the node, from now on. */
export async function watchArguments(node: TestNode) {
  await node.shell(
    'sudo systemd-run --quiet --collect --unit=argv-watch sh -c \'umask 077; while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\000" " "; echo; sleep 0.2; done >/run/argv-watch\'',
  );
  const here = new Set<string>();
  const timer = setInterval(() => {
    for (const pid of readdirSync("/proc")) if (/^\d+$/.test(pid)) here.add(argumentsOf(pid));
  }, 100);
  return {
    /** Arguments of processes of this workstation so far. */
    here: () => [...here].join("\n"),
    stop: async () => {
      clearInterval(timer);
      await node.shell("sudo systemctl stop argv-watch; sudo rm -f /run/argv-watch");
    },
  };
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/**
 * Where a secret is found on the node: `journal`, `inspect`, `argv`, or a file as `MODE OWNER PATH`. The secrets
 * travel on stdin: sudo writes every command line into the journal.
 */
export async function foundOnNode(node: TestNode, secrets: readonly string[]): Promise<string[]> {
  const script = `sudo sh -c 'umask 077; p=/dev/shm/patterns; cat >$p
journalctl --no-pager -o cat | grep -qFf $p && echo journal
docker inspect $(docker ps -aq) | grep -qFf $p && echo inspect
docker ps -q | xargs -n1 docker logs 2>&1 | grep -qFf $p && echo "container log"
grep -qFf $p /run/argv-watch && echo argv
grep -rlFf $p /etc /run/racksmith /var/lib/racksmith /var/log /usr/lib/racksmith /tmp /home /root 2>/dev/null | xargs -r stat -c "%a %U %n"
rm $p'; true`;
  const found = await run(await sshArgv(node.name, [script], () => undefined), {
    input: `${secrets.flatMap(forms).join("\n")}\n`,
    timeoutSeconds: 240,
  });
  return found.trim().split("\n").filter(Boolean).sort();
}

/**
 * Files of the engine on this workstation (states, their histories and backups, logs), written since then, that hold
 * a secret in the clear.
 */
export function foundInState(secrets: readonly string[], sinceMs: number): string[] {
  const home = join(stateDir(), "pulumi");
  const files = readdirSync(home, { recursive: true, encoding: "utf8" }).map((file) => join(home, file));
  const written = files.filter((file) => statSync(file).isFile() && statSync(file).mtimeMs >= sinceMs);
  return written.filter((file) => holdsAny(readFileSync(file, "utf8"), secrets));
}

/** Whether a text holds any of the secrets in any form. */
export function holdsAny(text: string, secrets: readonly string[]): boolean {
  return secrets.some((secret) => forms(secret).some((form) => text.includes(form)));
}
