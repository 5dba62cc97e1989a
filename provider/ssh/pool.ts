import { createHash } from "node:crypto";
import pLimit from "p-limit";
import type { Connection } from "../../config/connection.ts";
import type { Secret } from "../../config/secret.ts";
import { type HostOptions, SshHost } from "./host.ts";

/** Handshakes at a time, over all hosts: each costs this workstation some CPU. */
const DIALS = 32;

/** Every host of this process, one connection each. */
export class Pool {
  readonly #options: HostOptions;
  readonly #hosts = new Map<string, SshHost>();

  constructor(options: Omit<HostOptions, "dialLimit">) {
    const limit = pLimit(DIALS);
    this.#options = { ...options, dialLimit: (work) => limit(work) };
  }

  /** The host at this connection; made when first asked for, connected when first used. */
  host(connection: Connection): SshHost {
    this.#options.redactor.learn(secretsOf(connection));
    const id = identity(connection);
    const known = this.#hosts.get(id);
    if (known !== undefined) return known;
    const host = new SshHost(connection, this.#options);
    this.#hosts.set(id, host);
    return host;
  }

  hosts(): SshHost[] {
    return [...this.#hosts.values()];
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.hosts().map((host) => host.session.end()));
  }
}

function secretsOf(connection: Connection): (Secret | undefined)[] {
  const endpoints = [connection, ...[connection.jump ?? []].flat()];
  return endpoints.flatMap(({ privateKey, passphrase }) => [privateKey, passphrase]);
}

/** Equal for equal connections, secrets included, and of no use to a reader. */
function identity(connection: Connection): string {
  const secrets = secretsOf(connection).map((secret) => secret?.reveal() ?? null);
  return createHash("sha256")
    .update(JSON.stringify([connection, secrets]))
    .digest("hex");
}
