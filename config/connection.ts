import { z } from "zod";
import { secretText } from "./secret.ts";

/** What a pin looks like: the first two fields of a line of a `.pub` file, `ssh-ed25519 AAAA…`. */
const hostKey = z
  .string()
  .regex(
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,3}$/,
    'must be a public host key such as "ssh-ed25519 AAAA…"; `racksmith trust HOST` fetches and shows it',
  );

const NEEDS_PIN = "needs at least one pinned host key; `racksmith trust HOST` writes it";

const endpoint = z.strictObject({
  /** Host name or IP address to dial. */
  address: z.string().regex(/^[A-Za-z0-9_.:%-]+$/, "must be a host name or an IP address"),
  port: z.int().min(1).max(65535).default(22),
  /** Login user. Anything but root needs `sudo -n` (no password). */
  user: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/, "must be a login name")
    .default("root"),
  /** Pinned public host keys. Nothing else is connected to. */
  hostKeys: z.array(hostKey, { error: NEEDS_PIN }).min(1, NEEDS_PIN),
  /** Path of a private key on the workstation; `~/` is the home directory. */
  privateKeyFile: z.string().min(1).optional(),
  /** A private key itself (OpenSSH or PEM). */
  privateKey: secretText.optional(),
  /** Passphrase of the private key. */
  passphrase: secretText.optional(),
  /** Ask the ssh-agent at SSH_AUTH_SOCK. Default: only when no key is given. */
  agent: z.boolean().optional(),
  /** Bound on dialling and the SSH handshake, in seconds. */
  connectTimeoutSeconds: z.number().positive().max(600).default(30),
});

/** A machine to pass through. It has no jump of its own: `jump` may be a list, nearest first. */
export const jumpSchema = endpoint;

/** How a host is reached. Part of every resource's inputs; a change here alone changes nothing on the host. */
export const connectionSchema = endpoint.extend({
  /** The host's name in every message and in resource ids. */
  name: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/, "must be lower-case letters, digits, dots and dashes"),
  jump: z.union([jumpSchema, z.array(jumpSchema).max(4)]).optional(),
  /** Bound on a reboot, in seconds. An 8-GPU server takes ten minutes in its firmware alone. */
  rebootTimeoutSeconds: z.number().positive().max(7200).default(1200),
});

export type Endpoint = z.output<typeof endpoint>;
export type Connection = z.output<typeof connectionSchema>;
export type ConnectionInput = z.input<typeof connectionSchema>;

/** Where secrets sit inside a connection: also inside each jump. */
export const CONNECTION_SECRETS: readonly string[] = ["privateKey", "passphrase"];
