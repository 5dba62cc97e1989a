import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { manifest } from "../../config/weights-manifest.ts";
import { weights } from "../../provider/resources/weights.ts";

const scripts = fileURLToPath(new URL("../../ansible-free-scripts/weights", import.meta.url));
export const sha = (text: string) => createHash("sha256").update(text).digest("hex");

// The scripts run for real, in a mount namespace of their own where the vault is a tmpfs that carries its name.
export const prelude = `
set -euo pipefail
mount -t tmpfs none /srv
mkdir -p /srv/racksmith/vault
mount -t tmpfs -o size=100m /dev/mapper/racksmith-vault /srv/racksmith/vault
V=/srv/racksmith/vault
mkdir -m 0700 "$V/incoming"
stage() { printf '%s' "$2" >"$V/incoming/weights-$1"; }
observe() { bash "${scripts}/observe.sh" <<<"$1"; }
apply() { bash "${scripts}/apply.sh" <<<"$1" || echo "exit $?"; }
remove() { bash "${scripts}/remove.sh" <<<"$1" || echo "exit $?"; }
`;

export const namespaces = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/srv"]).status === 0;

export function node(steps: string): { out: string[]; err: string } {
  const run = spawnSync("unshare", ["-rm", "bash", "-c", prelude + steps], { encoding: "utf8" });
  expect(run.status, run.stderr).toBe(0);
  return { out: run.stdout.trimEnd().split("\n"), err: run.stderr };
}

export function model(contents: Record<string, string>, more: Record<string, unknown> = {}) {
  const made = manifest(
    Object.entries(contents).map(([path, text]) => ({
      path,
      sha256: sha(text),
      sizeBytes: Buffer.byteLength(text),
    })),
  );
  return weights.inputs.parse({ name: "tiny", version: "1", directory: "/models/tiny", ...made, ...more });
}

export const bash = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
export const lines = (values: ReturnType<typeof weights.forObserve>) =>
  bash(
    Object.entries(values)
      .flatMap(([key, value]) => (Array.isArray(value) ? value : [value]).map((one) => `${key}=${one}`))
      .join("\n"),
  );
export const facts = (line: string | undefined) => weights.facts.parse(JSON.parse(line ?? ""));
export const nothing = weights.facts.parse({
  vaultOpen: true,
  current: "",
  versions: [],
  manifestSha256: "",
  damaged: [],
  surplus: [],
  unread: 0,
  missing: [],
  freeBytes: null,
});

export const contents = {
  "config.json": "{}",
  "weights/part 1.bin": "one",
  "weights/part-2.bin": "two",
  empty: "",
};
export const wanted = model(contents);
export const see = `observe ${lines(weights.forObserve(wanted))}`;
export const act = `apply ${lines(weights.forAct(wanted, nothing))}`;
export const stageAll = Object.values(contents)
  .filter((text) => text !== "")
  .map((text) => `stage ${sha(text)} '${text}'`)
  .join("\n");
