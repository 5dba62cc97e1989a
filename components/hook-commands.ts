import type { types } from "@pulumi/command";
import type { Connection, Endpoint } from "../config/connection.ts";
import type { Hook } from "../config/hooks.ts";

type RemoteConnection = types.input.remote.ConnectionArgs;

/** What a node runs for every hook: bash reads the script from stdin whole, so nothing of it is ever an argument. */
export const NODE_COMMAND = "bash -c '. <(cat)'";

/** A hook as a script for stdin: its environment, then its lines. */
export function hookScript(hook: Hook): string {
  const exports = Object.entries(hook.environment).map(
    ([name, value]) => `export ${name}=${quote(value.reveal())}\n`,
  );
  return `${exports.join("")}${localScript(hook)}`;
}

/** A hook for the workstation's bash; its environment travels beside it. */
export function localScript({ run, environment }: Hook): string {
  const script = `set -euo pipefail\n${run}\n`;
  const names = Object.keys(environment);
  return names.length === 0 ? script : withoutSecrets(script, names);
}

/**
 * The command plugins put what a failing command printed into their error, which everybody sees: there each of
 * these variables, whole or by the line, says `[secret]`. What a hook that ends well prints stays as it is.
 */
function withoutSecrets(script: string, names: readonly string[]): string {
  return `racksmith_said=$(
(
exec 2>&1
${script})
printf '\\n%s' "$?"
)
racksmith_rc=\${racksmith_said##*$'\\n'}
racksmith_said=\${racksmith_said%$'\\n'*}
if ((racksmith_rc != 0)); then
  for racksmith_name in ${names.join(" ")}; do
    racksmith_said=\${racksmith_said//"\${!racksmith_name}"/[secret]}
    while IFS= read -r racksmith_line; do
      ((\${#racksmith_line} < 4)) || racksmith_said=\${racksmith_said//"$racksmith_line"/[secret]}
    done <<<"\${!racksmith_name}"
  done
fi
printf '%s' "$racksmith_said"
exit "$racksmith_rc"
`;
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
