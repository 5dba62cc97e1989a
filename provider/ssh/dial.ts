import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import type { Connection, Endpoint } from "../../config/connection.ts";
import { type DialProblem, explainDial } from "./dial-errors.ts";
import { fingerprint, hostKeyAlgorithms, isPinned } from "./host-keys.ts";
import { loginMethods } from "./login.ts";

/** A dead peer is noticed after three of these: within 30 s. */
const KEEPALIVE_MS = 8_000;
const KEEPALIVE_COUNT = 2;

export interface Dialled {
  client: ssh2.Client;
  /** Ends the client and every machine passed through. */
  end(): void;
}

/**
 * Connects once, through the jumps in order; over `carrier` when something else made the first leg.
 * @throws HostError, of kind `unreachable`, `host key` or `login`
 */
export async function dial(connection: Connection, carrier?: Duplex): Promise<Dialled> {
  const jumps = connection.jump === undefined ? [] : [connection.jump].flat();
  const clients: ssh2.Client[] = [];
  const end = () => {
    for (const client of clients.toReversed()) client.end();
  };
  try {
    for (const endpoint of [...jumps, connection]) {
      const last = clients.at(-1);
      const sock = last === undefined ? carrier : await forward(last, connection.name, endpoint);
      const client = await connectOne(connection.name, endpoint, sock);
      // A jump that dies takes the connection with it, and the last client reports that.
      client.on("error", () => {});
      clients.push(client);
    }
  } catch (error) {
    for (const client of clients) client.destroy();
    throw error;
  }
  const client = clients.at(-1);
  if (client === undefined) throw new Error("no machine to connect to");
  return { client, end };
}

/** The way to an endpoint through a machine that is connected. @throws HostError of kind `unreachable` */
export function forward(through: ssh2.Client, host: string, to: Endpoint): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const failed = (text: string) => reject(explainDial(host, to, { error: new Error(text) }));
    try {
      through.forwardOut("127.0.0.1", 0, to.address, to.port, (error, stream) => {
        if (error === undefined || error === null) resolve(stream);
        else failed(`the jump host cannot reach it: ${error.message}`);
      });
    } catch {
      // It only throws "Not connected": the machine let us in and went at once.
      failed("ECONNRESET: the connection to the jump host is lost");
    }
  });
}

async function connectOne(host: string, endpoint: Endpoint, sock?: Duplex): Promise<ssh2.Client> {
  const login = await loginMethods(host, endpoint);
  const client = new ssh2.Client();
  const problem: DialProblem = { tried: login.names };
  return new Promise((resolve, reject) => {
    let settled = false;
    const failed = (error: Error) => {
      if (settled) return;
      settled = true;
      client.destroy();
      reject(explainDial(host, endpoint, { ...problem, error }));
    };
    const timeoutMs = endpoint.connectTimeoutSeconds * 1000;
    // readyTimeout starts with the TCP connection only: this one bounds the whole.
    const timer = setTimeout(() => failed(new Error("Timed out while connecting")), timeoutMs);
    client.once("ready", () => {
      settled = true;
      clearTimeout(timer);
      resolve(client);
    });
    client.on("error", (error) => {
      clearTimeout(timer);
      failed(error);
    });
    client.once("close", () => {
      clearTimeout(timer);
      failed(new Error("Connection lost before handshake"));
    });
    client.connect({
      host: endpoint.address,
      port: endpoint.port,
      username: endpoint.user,
      ...(sock === undefined ? {} : { sock }),
      readyTimeout: timeoutMs,
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: KEEPALIVE_COUNT,
      authHandler: [...login.methods],
      algorithms: { serverHostKey: hostKeyAlgorithms(endpoint.hostKeys) as ssh2.ServerHostKeyAlgorithm[] },
      hostVerifier: (key: Buffer) => {
        if (isPinned(key, endpoint.hostKeys)) return true;
        problem.foundKey = fingerprint(key);
        return false;
      },
    });
  });
}
