/** What the plugin understands of an `ssh` command line: the host's URL and its `sshOpts`. */
export interface SshTarget {
  address: string;
  port: number;
  user: string;
  identityFile?: string;
  knownHostsFile?: string;
  /** A shell command whose stdio is the connection; `%h`, `%p` and `%r` are filled in. */
  proxyCommand?: string;
  connectTimeoutSeconds: number;
}

const meaningless = new Set(["stricthostkeychecking", "batchmode", "identitiesonly", "loglevel"]);

/**
 * Reads `ssh://USER@ADDRESS[:PORT]` and a flat argv of `-i FILE`, `-p PORT`, `-l USER`, `-o NAME=VALUE`.
 * Throws on anything it does not understand, and on options that would switch off the check of host keys.
 */
export function sshTarget(host: string, sshOpts: readonly string[]): SshTarget {
  const url = new URL(host);
  if (url.protocol !== "ssh:")
    throw new Error(`docker host ${host}: only ssh:// and unix:// are understood here`);
  const target: SshTarget = {
    address: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port ? Number(url.port) : 22,
    user: decodeURIComponent(url.username) || "root",
    connectTimeoutSeconds: 30,
  };
  for (const [flag, value] of flags(sshOpts)) {
    if (flag === "-i") target.identityFile = value;
    else if (flag === "-p") target.port = Number(value);
    else if (flag === "-l") target.user = value;
    else if (flag === "-o") setOption(target, value);
    else throw new Error(`sshOpts: ${flag} is not understood by the offline docker plugin`);
  }
  return target;
}

function* flags(argv: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    const flag = word.slice(0, 2);
    const attached = word.slice(2);
    if (attached) yield [flag, attached];
    else yield [flag, argv[++i] ?? ""];
  }
}

function setOption(target: SshTarget, option: string): void {
  const at = option.search(/[=\s]/);
  const name = option.slice(0, at).toLowerCase();
  const value = option.slice(at + 1).trim();
  if (name === "stricthostkeychecking" && value !== "yes")
    throw new Error(
      `sshOpts: StrictHostKeyChecking=${value} is refused; pin the host's key in UserKnownHostsFile`,
    );
  if (name === "userknownhostsfile") target.knownHostsFile = value;
  else if (name === "proxycommand") target.proxyCommand = value;
  else if (name === "connecttimeout") target.connectTimeoutSeconds = Number(value);
  else if (name === "port") target.port = Number(value);
  else if (name === "user") target.user = value;
  else if (name === "identityfile") target.identityFile = value;
  else if (!meaningless.has(name))
    throw new Error(`sshOpts: -o ${name} is not understood by the offline docker plugin`);
}

/** The `TYPE KEY` pairs that a known_hosts file holds for that address and port. Hashed names are not read. */
export function knownKeys(knownHosts: string, address: string, port: number): string[] {
  const wanted = port === 22 ? [address, `[${address}]:22`] : [`[${address}]:${port}`];
  return knownHosts
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([names]) => names !== undefined && !names.startsWith("#"))
    .filter(([names]) => names?.split(",").some((name) => wanted.includes(name)))
    .flatMap(([, type, key]) => (type && key ? [`${type} ${key}`] : []));
}
