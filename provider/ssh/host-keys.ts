import { createHash } from "node:crypto";

/** `SHA256:…` as `ssh-keygen -lf` prints it, with the key's type before it. */
export function fingerprint(key: Buffer): string {
  const digest = createHash("sha256").update(key).digest("base64").replace(/=+$/, "");
  return `${keyType(key)} SHA256:${digest}`;
}

/** The type inside a public key blob: a length, then the name. */
function keyType(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  return length > 0 && length < 64 && key.length >= 4 + length
    ? key.toString("latin1", 4, 4 + length)
    : "unknown";
}

/** The blob of a pin such as `ssh-ed25519 AAAA… comment`. */
export function pinnedKey(pin: string): Buffer {
  return Buffer.from(pin.trim().split(/\s+/)[1] ?? "", "base64");
}

const SIGNATURES: Record<string, readonly string[]> = {
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
};

const ALL_TYPES = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
];

/** Host key algorithms to offer: the pinned types first, so that the server shows the key that was pinned. */
export function hostKeyAlgorithms(pins: readonly string[]): string[] {
  const pinned = pins.map((pin) => pin.trim().split(/\s+/)[0] ?? "");
  const types = [...new Set([...pinned.filter((type) => ALL_TYPES.includes(type)), ...ALL_TYPES])];
  return types.flatMap((type) => SIGNATURES[type] ?? [type]);
}

/** Whether the key that a server showed is one of the pinned ones. */
export function isPinned(key: Buffer, pins: readonly string[]): boolean {
  return pins.some((pin) => pinnedKey(pin).equals(key));
}
