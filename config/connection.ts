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
  address: z
    .string()
    .regex(/^[A-Za-z0-9_.:%-]+$/, "must be a host name or an IP address")
    .describe("host name or IP address to dial"),
  port: z.int().min(1).max(65535).default(22).describe("SSH port"),
  user: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/, "must be a login name")
    .default("root")
    .describe("login user; anything but root needs sudo without a password"),
  hostKeys: z
    .array(hostKey, { error: NEEDS_PIN })
    .min(1, NEEDS_PIN)
    .describe("pinned public host keys, which `racksmith trust` writes; nothing else is connected to"),
  privateKeyFile: z
    .string()
    .min(1)
    .optional()
    .describe("path of a private key on the workstation; ~/ is the home directory"),
  privateKey: secretText.optional().describe("a private key itself (OpenSSH or PEM), as a secret"),
  passphrase: secretText
    .optional()
    .describe("always refused: give a key with a passphrase to ssh-agent (ssh-add), and set agent"),
  agent: z
    .boolean()
    .optional()
    .describe("ask the ssh-agent at SSH_AUTH_SOCK; unset: only when no key is given"),
  connectTimeoutSeconds: z
    .number()
    .positive()
    .max(600)
    .default(30)
    .describe("bound on dialling and the SSH handshake"),
});

/** A machine to pass through. It has no jump of its own: `jump` may be a list, nearest first. */
export const jumpSchema = endpoint;

/** How a host is reached. Part of every resource's inputs; a change here alone changes nothing on the host. */
export const connectionSchema = endpoint.extend({
  name: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/, "must be lower-case letters, digits, dots and dashes")
    .describe("the host's name in every message and in resource ids; never change it just like that"),
  jump: z
    .union([jumpSchema, z.array(jumpSchema).max(4)])
    .optional()
    .describe("a machine to pass through, at most one; pin it first"),
  rebootTimeoutSeconds: z
    .number()
    .positive()
    .max(7200)
    .default(1200)
    .describe("bound on a reboot; a server with eight GPUs takes ten minutes in its firmware alone"),
});

export type Endpoint = z.output<typeof endpoint>;
export type Connection = z.output<typeof connectionSchema>;
export type ConnectionInput = z.input<typeof connectionSchema>;

/** Where secrets sit inside a connection: also inside each jump. */
export const CONNECTION_SECRETS: readonly string[] = ["privateKey", "passphrase"];
