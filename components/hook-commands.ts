import type { types } from "@pulumi/command";
import type { Connection, Endpoint } from "../config/connection.ts";
import type { Hook } from "../config/hooks.ts";

type RemoteConnection = types.input.remote.ConnectionArgs;

/** What a node runs for every hook: bash reads the script from stdin whole, so nothing of it is ever an argument. */
export const NODE_COMMAND = "bash -c '. <(cat)'";

/** A hook as a script for stdin: its environment, then its lines. */
export function hookScript({ run, environment }: Hook): string {
  const exports = Object.entries(environment).map(
    ([name, value]) => `export ${name}=${quote(value.reveal())}\n`,
  );
  return `set -euo pipefail\n${exports.join("")}${run}\n`;
}

/** A hook for the workstation's bash; its environment travels beside it. */
export function localScript({ run }: Hook): string {
  return `set -euo pipefail\n${run}\n`;
}

/** A value as bash reads it back unchanged. */
export function quote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/** A connection as @pulumi/command wants it. `readKey` gives the text of a key file. */
export function commandConnection(
  connection: Connection,
  readKey: (path: string) => string,
): RemoteConnection {
  const { jump } = connection;
  const nearest = Array.isArray(jump) ? jump[0] : jump;
  if (Array.isArray(jump) && jump.length > 1) {
    throw new Error(`${connection.name}: hooks on the node pass at most one jump host; found ${jump.length}`);
  }
  return { ...endpoint(connection, readKey), ...(nearest && { proxy: endpoint(nearest, readKey) }) };
}

/** Twelve minutes of dialling: longer than any server takes to start again. */
const DIAL_ERROR_LIMIT = 48;

function endpoint(from: Endpoint, readKey: (path: string) => string): RemoteConnection {
  const key =
    from.privateKey?.reveal() ??
    (from.privateKeyFile === undefined ? undefined : readKey(from.privateKeyFile));
  return {
    host: from.address,
    port: from.port,
    user: from.user,
    hostKey: preferredHostKey(from.hostKeys),
    perDialTimeout: Math.ceil(from.connectTimeoutSeconds),
    dialErrorLimit: DIAL_ERROR_LIMIT,
    ...(key !== undefined && { privateKey: key }),
    ...(from.passphrase && { privateKeyPassword: from.passphrase.reveal() }),
    ...(key === undefined && process.env.SSH_AUTH_SOCK && { agentSocketPath: process.env.SSH_AUTH_SOCK }),
  };
}

/**
 * The plugin checks one key but lets Go negotiate its kind, and Go asks for ECDSA before RSA before Ed25519: of the
 * pinned keys the one that it will be shown.
 */
export function preferredHostKey(hostKeys: readonly string[]): string {
  const order = ["ecdsa-", "ssh-rsa", "ssh-ed25519"];
  const rank = (key: string) => order.findIndex((kind) => key.startsWith(kind));
  return hostKeys.toSorted((a, b) => rank(a) - rank(b))[0] ?? "";
}
