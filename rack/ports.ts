import { createConnection, createServer } from "node:net";
import { RackError } from "./errors.ts";

/** Below the kernel's range for outgoing connections (32768 and up), so that none of those takes it. */
const FIRST = 22_000;
const LAST = 31_999;

/** Whether a TCP port on the loopback can be listened on. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * As many free ports as wanted. `preferred` ones (those used last time) are kept where they are free;
 * `reserved` ones belong to others that may be down at the moment.
 */
export async function freePorts(
  preferred: readonly (number | undefined)[],
  reserved: ReadonlySet<number>,
): Promise<number[]> {
  const chosen: number[] = [];
  let next = FIRST;
  for (const wish of preferred) {
    let port = wish !== undefined && (await isFree(wish)) ? wish : undefined;
    while (port === undefined) {
      if (next > LAST)
        throw new RackError(
          `no free TCP port between ${FIRST} and ${LAST} on 127.0.0.1; end something that listens`,
        );
      const candidate = next++;
      const taken = reserved.has(candidate) || chosen.includes(candidate) || preferred.includes(candidate);
      if (!taken && (await isFree(candidate))) port = candidate;
    }
    chosen.push(port);
  }
  return chosen;
}

/** The first bytes that a server says on its own (sshd's version line), or nothing within the time. */
export function banner(port: number, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    const done = (text: string | undefined) => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(timeoutMs, () => done(undefined));
    socket.once("data", (data) => done(data.toString("latin1")));
    socket.once("error", () => done(undefined));
    socket.once("close", () => done(undefined));
  });
}
