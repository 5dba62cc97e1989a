import type { Endpoint } from "../../config/connection.ts";
import { HostError } from "./errors.ts";
import { fingerprint, pinnedKey } from "./host-keys.ts";

/** What is known when a connection did not come about. */
export interface DialProblem {
  error?: Error;
  /** Fingerprint of a key that is not pinned. */
  foundKey?: string;
  /** Login methods offered. */
  tried?: readonly string[];
}

const NETWORK: Record<string, readonly [problem: string, remedy: string]> = {
  ECONNREFUSED: ["connection refused", "is sshd running, and is this the right port?"],
  ETIMEDOUT: ["no answer", "is the machine on, and does a firewall let this workstation in?"],
  EHOSTUNREACH: ["no route to the host", "check the address and the network between"],
  ENETUNREACH: ["no route to its network", "check this workstation's network or VPN"],
  ENOTFOUND: ["the name is not in DNS", "check connection.address, or give an IP address"],
  EAI_AGAIN: ["DNS does not answer", "check this workstation's name server, or give an IP address"],
  ECONNRESET: ["the peer cut the connection", "see sshd's log there (MaxStartups, fail2ban, a full disk)"],
  EPIPE: ["the peer cut the connection", "see sshd's log there (MaxStartups, fail2ban, a full disk)"],
};

/** Worth another try within a few seconds, without a person. */
const TRANSIENT = new Set(["ECONNRESET", "EPIPE", "EAI_AGAIN", "ECONNREFUSED", "EARLY_CLOSE"]);

export class DialError extends HostError {
  readonly transient: boolean;
  constructor(parts: ConstructorParameters<typeof HostError>[0], transient: boolean) {
    super(parts);
    this.transient = transient;
  }
}

/** The distinct error for each way in which connecting fails. */
export function explainDial(
  host: string,
  endpoint: Endpoint,
  { error, foundKey, tried }: DialProblem,
): DialError {
  const at = `${endpoint.address}:${endpoint.port}`;
  const base = { host, tried: `connecting to ${at}`, cause: error };
  if (foundKey !== undefined) return hostKeyError(base, endpoint, foundKey);
  const level = property(error, "level");
  if (level === "client-authentication" || /authentication methods/i.test(error?.message ?? "")) {
    return new DialError(
      {
        ...base,
        kind: "login",
        tried: `logging in to ${at} as ${endpoint.user}`,
        problem: tried?.length
          ? `none of these was accepted: ${tried.join(", ")}`
          : "there is no key to log in with",
        remedy: `check connection.user and the key; the public key must be in ~${endpoint.user}/.ssh/authorized_keys there`,
      },
      false,
    );
  }
  const text = error?.message ?? "";
  const code = property(error, "code") ?? codeOf(text);
  const [problem, remedy] = NETWORK[code ?? ""] ?? [text === "" ? "no connection" : text, "check the host"];
  return new DialError({ ...base, kind: "unreachable", problem, remedy }, TRANSIENT.has(code ?? ""));
}

function codeOf(text: string): string | undefined {
  if (/timed out/i.test(text)) return "ETIMEDOUT";
  if (/lost before handshake|closed before|ended before/i.test(text)) return "ECONNRESET";
  return /\b(E[A-Z]{4,})\b/.exec(text)?.[1];
}

function hostKeyError(base: { host: string; tried: string }, endpoint: Endpoint, found: string): DialError {
  const expected = endpoint.hostKeys.map((pin) => fingerprint(pinnedKey(pin)));
  return new DialError(
    {
      ...base,
      kind: "host key",
      problem: "the host key is not the pinned one; nothing was sent",
      lastLines: [...expected.map((pin) => `expected ${pin}`), `found    ${found}`],
      remedy: `if the machine was reinstalled, compare the fingerprint at its console, then \`racksmith trust ${endpoint.address} --port ${endpoint.port} --stack STACK\`; if not, somebody may be in between`,
    },
    false,
  );
}

function property(error: Error | undefined, name: string): string | undefined {
  if (error === undefined || !(name in error)) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === "string" ? value : undefined;
}
