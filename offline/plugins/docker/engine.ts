import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { Agent, type ClientRequestArgs } from "node:http";
import { Duplex } from "node:stream";
import Docker from "dockerode";
import type ssh2 from "ssh2";
import { connectionSchema } from "../../../config/connection.ts";
import { type Dialled, dial } from "../../../provider/ssh/dial.ts";
import { knownKeys, type SshTarget, sshTarget } from "./ssh-options.ts";

const engineSocket = "/var/run/docker.sock";

/** How the engine is reached: the plugin's provider configuration. */
export interface EngineConfig {
  /** `ssh://USER@ADDRESS[:PORT]` or `unix:///path`; default the local socket. */
  host?: string | undefined;
  sshOpts?: string[] | undefined;
}

export interface Engine {
  docker: Docker;
  /** Resolves when the connection has gone, and with it all use of `docker`; never for a local socket. */
  closed: Promise<void>;
  end(): void;
}

/**
 * Opens one connection to the host and speaks the engine's HTTP API through it, a channel a request.
 * @throws HostError naming the host when it cannot be reached, logged in to, or shows a key not in known_hosts
 */
export async function openEngine(config: EngineConfig): Promise<Engine> {
  const host = config.host ?? `unix://${engineSocket}`;
  if (host.startsWith("unix://"))
    return {
      docker: new Docker({ socketPath: host.slice("unix://".length) }),
      closed: new Promise(() => undefined),
      end: () => undefined,
    };
  const target = sshTarget(host, config.sshOpts ?? []);
  const dialled = await dialTarget(target);
  const agent = new SocketAgent(dialled.client);
  const options: Docker.DockerOptions & { agent: Agent } = {
    protocol: "http",
    host: "docker",
    port: 80,
    agent,
  };
  const docker = new Docker(options);
  const closed = new Promise<void>((resolve) => {
    dialled.client.once("close", () => {
      agent.destroy();
      dialled.end();
      resolve();
    });
  });
  return {
    docker,
    closed,
    end: () => {
      agent.destroy();
      dialled.end();
    },
  };
}

async function dialTarget(target: SshTarget): Promise<Dialled> {
  const file = target.knownHostsFile;
  const connection = connectionSchema.parse({
    name: target.address.toLowerCase(),
    address: target.address,
    port: target.port,
    user: target.user,
    hostKeys: file ? knownKeys(await readFile(file, "utf8"), target.address, target.port) : [],
    connectTimeoutSeconds: target.connectTimeoutSeconds,
    ...(target.identityFile ? { privateKeyFile: target.identityFile } : { agent: true }),
  });
  return dial(connection, target.proxyCommand ? runProxy(target, target.proxyCommand) : undefined);
}

/** OpenSSH's ProxyCommand: a shell command whose stdio is the connection. */
function runProxy(target: SshTarget, command: string): Duplex {
  const tokens: Record<string, string> = { h: target.address, p: `${target.port}`, r: target.user, "%": "%" };
  const line = command.replace(/%([hpr%])/g, (whole, token: string) => tokens[token] ?? whole);
  const child = spawn("/bin/sh", ["-c", `exec ${line}`], { stdio: ["pipe", "pipe", "inherit"] });
  return Duplex.from({ readable: child.stdout, writable: child.stdin });
}

/** Gives each HTTP connection a channel to the engine's socket on the far side. */
class SocketAgent extends Agent {
  readonly #client: ssh2.Client;

  constructor(client: ssh2.Client) {
    super({ keepAlive: true, maxSockets: 6 });
    this.#client = client;
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): null {
    this.#client.openssh_forwardOutStreamLocal(engineSocket, (error, channel) => {
      if (error) this.#dialStdio(error, callback);
      else callback?.(null, socketLike(channel));
    });
    return null;
  }

  /** For an sshd that forbids stream forwarding: the docker client on the far side carries the bytes. */
  #dialStdio(refused: Error, callback?: (error: Error | null, stream: Duplex) => void): void {
    this.#client.exec("docker system dial-stdio", (error, channel) => {
      const stream: Duplex = channel;
      if (error) callback?.(new Error(`${engineSocket} cannot be reached: ${refused.message}`), stream);
      else callback?.(null, socketLike(channel));
    });
  }
}

/** What http.ClientRequest calls on a socket and a channel does not have. */
function socketLike(channel: Duplex): Duplex {
  const nothing = () => channel;
  return Object.assign(channel, {
    setKeepAlive: nothing,
    setNoDelay: nothing,
    setTimeout: nothing,
    ref: nothing,
    unref: nothing,
  });
}
