import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { AnyAuthMethod } from "ssh2";
import ssh2 from "ssh2";
import type { Endpoint } from "../../config/connection.ts";
import { HostError } from "./errors.ts";

const DEFAULT_KEYS = ["id_ed25519", "id_ecdsa", "id_rsa"];

export interface Login {
  methods: AnyAuthMethod[];
  /** What each method is, for the message when none is accepted. */
  names: string[];
}

/** How to log in, in the order tried: the given key, the key file, the agent; without any, ssh's own default keys. */
export async function loginMethods(host: string, endpoint: Endpoint): Promise<Login> {
  const login: Login = { methods: [], names: [] };
  const username = endpoint.user;
  const passphrase = endpoint.passphrase?.reveal();
  const add = (key: string, name: string) => {
    login.methods.push({
      type: "publickey",
      username,
      key,
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    login.names.push(name);
  };
  if (endpoint.privateKey !== undefined) {
    const key = endpoint.privateKey.reveal();
    checkKey(host, "connection.privateKey", key, passphrase);
    add(key, "key from the configuration");
  }
  if (endpoint.privateKeyFile !== undefined) {
    const path = expandHome(endpoint.privateKeyFile);
    const key = await readKey(host, path);
    checkKey(host, path, key, passphrase);
    add(key, `key file ${path}`);
  }
  const agent = process.env.SSH_AUTH_SOCK;
  const noKey = login.methods.length === 0;
  if (agent !== undefined && agent !== "" && (endpoint.agent ?? noKey)) {
    login.methods.push({ type: "agent", username, agent });
    login.names.push(`ssh-agent at ${agent}`);
  } else if (endpoint.agent === true) {
    login.names.push("ssh-agent (SSH_AUTH_SOCK is not set)");
  }
  if (noKey && endpoint.agent !== true) await addDefaultKeys(passphrase, add);
  return login;
}

async function addDefaultKeys(passphrase: string | undefined, add: (key: string, name: string) => void) {
  for (const name of DEFAULT_KEYS) {
    const path = join(homedir(), ".ssh", name);
    const key = await readFile(path, "utf8").catch(() => undefined);
    // One that is absent or locked is passed over, as ssh does without a terminal.
    if (key !== undefined && !(ssh2.utils.parseKey(key, passphrase) instanceof Error))
      add(key, `key file ${path}`);
  }
}

function expandHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

async function readKey(host: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new HostError({
      kind: "login",
      host,
      tried: `reading the private key ${path}`,
      problem: cause instanceof Error && "code" in cause ? String(cause.code) : "cannot be read",
      remedy: "give connection.privateKeyFile the path of a key that this user may read",
      cause,
    });
  }
}

/** @throws when the text is no private key, or a locked one whose passphrase is missing or wrong */
function checkKey(host: string, path: string, key: string, passphrase: string | undefined): void {
  const parsed = ssh2.utils.parseKey(key, passphrase);
  if (!(parsed instanceof Error)) return;
  const locked = /encrypted|passphrase|bad decrypt|integrity/i.test(parsed.message);
  throw new HostError({
    kind: "login",
    host,
    tried: `using the private key ${path}`,
    problem: locked
      ? passphrase === undefined
        ? "it is locked and no passphrase is given"
        : "the passphrase does not open it"
      : "it is not a private key that OpenSSH or PEM knows",
    remedy: locked
      ? "load it with ssh-add and set agent: true, or give a key that is not locked"
      : "give a private key, not its .pub file",
  });
}
