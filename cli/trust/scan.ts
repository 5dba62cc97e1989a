import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { Client } from "ssh2";
import { CliError } from "../errors.ts";
import type { Way } from "./jump.ts";

/** A host key as it stands in the configuration: `ssh-ed25519 AAAA…`. */
export interface HostKey {
  type: string;
  base64: string;
}

/** Kinds of keys a server may have, the one to prefer first. */
const algorithms = [
  ["ssh-ed25519"],
  ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
  ["rsa-sha2-512", "rsa-sha2-256"],
] as const;

/** Asks the server for its host keys, one connection a kind; nothing is authenticated or sent to it. */
export async function scanHostKeys(
  address: string,
  port: number,
  way?: Way,
  timeoutSeconds = 15,
): Promise<HostKey[]> {
  const answers = await Promise.allSettled(
    algorithms.map(async (kind) => offeredKey(address, port, kind, timeoutSeconds, await way?.open())),
  );
  const keys = answers.flatMap((it) => (it.status === "fulfilled" && it.value ? [it.value] : []));
  if (keys.length > 0) return keys;
  const failed = answers.find((it) => it.status === "rejected");
  const why = failed
    ? String(failed.reason instanceof Error ? failed.reason.message : failed.reason)
    : "no host key";
  throw new CliError(
    `${address}:${port}: ${why}. Is the address right, and does an SSH server listen there?`,
  );
}

/** The server's key of one kind; undefined when it has none of that kind. */
function offeredKey(
  host: string,
  port: number,
  kind: readonly string[],
  timeoutSeconds: number,
  sock: Duplex | undefined,
) {
  return new Promise<HostKey | undefined>((resolve, reject) => {
    const client = new Client();
    let key: HostKey | undefined;
    client.on("error", (error: Error) => {
      if (key || /no matching/i.test(error.message)) resolve(key);
      else reject(error);
    });
    client.on("close", () => resolve(key));
    client.connect({
      host,
      port,
      ...(sock === undefined ? {} : { sock }),
      username: "racksmith",
      readyTimeout: timeoutSeconds * 1000,
      // ssh2's types know fewer algorithm names than ssh2 does.
      algorithms: { serverHostKey: [...kind] as never },
      hostVerifier: (blob: Buffer) => {
        key = parseBlob(blob);
        return false; // seen is enough; going on would log a failed login on the server
      },
    });
  });
}

function parseBlob(blob: Buffer): HostKey {
  const length = blob.readUInt32BE(0);
  return { type: blob.toString("latin1", 4, 4 + length), base64: blob.toString("base64") };
}

/** As OpenSSH prints it: `SHA256:` and base64 without padding. */
export function fingerprint(key: HostKey): string {
  const hash = createHash("sha256").update(Buffer.from(key.base64, "base64")).digest("base64");
  return `SHA256:${hash.replace(/=+$/, "")}`;
}

export const formatKey = (key: HostKey): string => `${key.type} ${key.base64}`;

export function parseKey(text: string): HostKey {
  const [type = "", base64 = ""] = text.trim().split(/\s+/);
  return { type, base64 };
}
