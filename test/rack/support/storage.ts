import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { shellQuote } from "../../../cli/quote.ts";
import type { TestNode } from "../../../rack/testing.ts";

/** Runs lines of sh as root on the node; their stdout, trimmed. */
export async function asRoot(node: TestNode, script: string, timeoutSeconds?: number): Promise<string> {
  return (await node.shell(`sudo sh -c ${shellQuote(script)}`, timeoutSeconds)).trim();
}

/** The array's UUID; empty while there is none. */
export const arrayUuid = (node: TestNode): Promise<string> =>
  asRoot(node, "mdadm --detail --export /dev/md/racksmith 2>/dev/null | sed -n s/^MD_UUID=//p; true");

/** UUID and a hash over the whole header with its key slots: the same as long as nobody wrote to it. */
export const luksHeader = (node: TestNode): Promise<string> =>
  asRoot(
    node,
    "cryptsetup luksUUID /dev/md/racksmith; cryptsetup luksDump /dev/md/racksmith | sha256sum; " +
      "dd if=/dev/md/racksmith bs=1M count=16 iflag=direct status=none | sha256sum",
  );

/** Closes the vault as a reboot leaves it under the policy `operator`. */
export const closeVault = (node: TestNode): Promise<string> =>
  asRoot(node, "umount /srv/racksmith/vault; cryptsetup close racksmith-vault");

/** As when somebody pulls the cable: every login ends at once, this one too. */
export async function cutConnections(node: TestNode): Promise<void> {
  await node.shell("sudo pkill -KILL -x sshd-session").catch(() => undefined);
}

/** Waits until the log of a running act of this noun holds the text. */
export const actSays = (node: TestNode, noun: string, text: string): Promise<string> =>
  asRoot(
    node,
    `until grep -qsF -- ${shellQuote(text)} /run/racksmith/acts/${noun}-*/log; do sleep 0.2; done`,
    300,
  );

/** How often acts of a noun said this since the last boot. */
export async function saidSinceBoot(node: TestNode, noun: string, text: string): Promise<number> {
  const count = await asRoot(
    node,
    `cat /run/racksmith/acts/${noun}-*/log | grep -cF -- ${shellQuote(text)}; true`,
  );
  return Number(count);
}

/** A folder with a model of random bytes under hostile names. Returns the names. */
export function writeModel(directory: string, sizeMiB: number): string[] {
  const names = [
    "we ird $(touch owned) `id` 'q' \"d\".bin",
    "-rf/al..most/%n%s;reboot&.txt",
    "密钥 ünï 🔑.json",
  ];
  for (const [at, name] of names.entries()) {
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, randomBytes(at === 0 ? sizeMiB * 2 ** 20 : 100));
  }
  return names;
}

export const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
