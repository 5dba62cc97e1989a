import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ScriptInputs } from "../../provider/noun.ts";
import { encodeSection } from "../../provider/ssh/section.ts";

const scripts = fileURLToPath(new URL("../../ansible-free-scripts", import.meta.url));

// /etc, /var and /home of this machine as the lower layer: what scripts write is seen in the room only.
const enter = `set -euo pipefail
mount --make-rprivate /
mount -t tmpfs none /mnt
mount -t tmpfs none /srv
for part in etc var home; do
  mkdir -p "/mnt/$part/up" "/mnt/$part/work"
  mount -t overlay overlay -o "lowerdir=/$part,upperdir=/mnt/$part/up,workdir=/mnt/$part/work" "/$part"
done
`;

/** True when a mount namespace with overlays can be had: root, and a kernel that lets it. */
export const rooms = spawnSync("unshare", ["-m", "bash", "-c", enter]).status === 0;

export interface Said {
  out: string;
  err: string;
  rc: number | null;
}

/**
 * Runs `steps` in a room. `$IN_NAME` is a file with `inputs.NAME` as the node would get them;
 * `run NOUN/VERB NAME` runs a script on it and goes on whatever it returns, leaving its status in `$rc`.
 * systemctl and docker are recorders: they write their argv to $CALLS and answer as $ANSWER_… say.
 */
export function inRoom(steps: string, inputs: Record<string, ScriptInputs> = {}): Said {
  const dir = mkdtempSync(join(tmpdir(), "racksmith-room-"));
  try {
    const env: Record<string, string> = { ...process.env, CALLS: join(dir, "calls") };
    writeFileSync(join(dir, "calls"), "");
    for (const [name, section] of Object.entries(inputs)) {
      env[`IN_${name}`] = join(dir, name);
      writeFileSync(join(dir, name), encodeSection(section));
    }
    const recorder = `#!/bin/bash\nprintf '%s %s\\n' "\${0##*/}" "$*" >>"$CALLS"\n[[ " $* " != *" \${FAILS:-nothing} "* ]]\n`;
    writeFileSync(join(dir, "systemctl"), recorder, { mode: 0o755 });
    writeFileSync(join(dir, "docker"), `${recorder.trimEnd()} && case $1 in container) echo true ;; esac\n`, {
      mode: 0o755,
    });
    env.PATH = `${dir}:${process.env.PATH}`;
    const run = `run() { local in=IN_$2; rc=0; "${scripts}/$1.sh" <"\${!in}" || rc=$?; }\n`;
    const said = spawnSync("unshare", ["-m", "bash", "-c", enter + run + steps], { encoding: "utf8", env });
    return { out: said.stdout, err: said.stderr, rc: said.status };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The last line of an output: what observe.sh printed. */
export function lastJson(said: Said): unknown {
  const line = said.out.trimEnd().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`no JSON in the last line: ${said.out}\n${said.err}`);
  }
}
