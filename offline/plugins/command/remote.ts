import { setTimeout as sleep } from "node:timers/promises";
import type { ClientChannel } from "ssh2";
import { type Connection, connectionSchema } from "../../../config/connection.ts";
import { type Dialled, dial } from "../../../provider/ssh/dial.ts";
import { HostError } from "../../../provider/ssh/errors.ts";
import { type ConnectionBase, type LogLine, previousOutput, type Ran, type RemoteInputs } from "./inputs.ts";
import { collect } from "./output.ts";

/**
 * Runs `command` on the far side, over a connection of its own, as the official plugin does; but a host
 * without a `hostKey` is refused here, not trusted. Throws with both streams when it ends with anything but 0.
 */
export async function runRemote(
  command: string,
  inputs: RemoteInputs,
  previous: Ran | undefined,
  log: LogLine,
  signal: AbortSignal,
): Promise<Ran> {
  const { proxy, ...target } = inputs.connection;
  const connection = connectionSchema.parse({
    name: target.host.toLowerCase(),
    ...endpoint(target, "connection"),
    ...(proxy ? { jump: endpoint(proxy, "connection.proxy") } : {}),
  });
  const dialled = await dialPatiently(connection, target.dialErrorLimit, signal);
  const abort = () => dialled.client.destroy();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      const env = { ...inputs.environment, ...previousOutput(inputs, previous) };
      dialled.client.exec(command, { env }, (error, stream) => (error ? reject(error) : resolve(stream)));
    });
    const ended = new Promise<number | string>((resolve) => {
      channel.once("exit", (code: number | null, killedBy?: string) =>
        resolve(code ?? killedBy ?? "no status"),
      );
      channel.once("close", () => resolve("the connection was cut"));
    });
    channel.end(inputs.stdin ?? "");
    const { ran, combined } = await collect({ stdout: channel, stderr: channel.stderr }, inputs.logging, log);
    const status = await ended;
    if (status !== 0)
      throw new Error(`exit status ${status}: running ${JSON.stringify(command)}:\n${combined}`);
    return ran;
  } finally {
    signal.removeEventListener("abort", abort);
    dialled.end();
  }
}

function endpoint(given: ConnectionBase, path: string) {
  if (!given.hostKey)
    throw new Error(`${path}.hostKey is missing: ${given.host} is not connected to without a pinned key`);
  if (given.password)
    throw new Error(`${path}.password is not understood by the offline command plugin; use a key`);
  return {
    address: given.host,
    port: given.port,
    user: given.user,
    hostKeys: [given.hostKey.trim().split(/\s+/).slice(0, 2).join(" ")],
    ...(given.privateKey ? { privateKey: given.privateKey } : {}),
    ...(given.privateKeyPassword ? { passphrase: given.privateKeyPassword } : {}),
    ...agentOf(given, path),
    ...(given.perDialTimeout > 0 ? { connectTimeoutSeconds: given.perDialTimeout } : {}),
  };
}

function agentOf(given: ConnectionBase, path: string) {
  if (given.privateKey || !given.agentSocketPath) return {};
  if (given.agentSocketPath !== process.env.SSH_AUTH_SOCK)
    throw new Error(
      `${path}.agentSocketPath is ${given.agentSocketPath}, but the offline command plugin asks the agent at SSH_AUTH_SOCK, ${process.env.SSH_AUTH_SOCK ?? "which is not set"}; set it to that path`,
    );
  return { agent: true };
}

/** As the official plugin waits between dials: one second more each time, never more than this. */
const LONGEST_WAIT_SECONDS = 15;

/** Dials until the host answers; a host that refuses (its key, our login) is not asked again. -1 is no limit. */
async function dialPatiently(
  connection: Connection,
  errorLimit: number,
  signal: AbortSignal,
): Promise<Dialled> {
  for (let errors = 1; ; errors++) {
    signal.throwIfAborted();
    try {
      return await dial(connection);
    } catch (error) {
      const passing = error instanceof HostError && error.kind === "unreachable";
      if (!passing || (errorLimit >= 0 && errors > errorLimit)) throw error;
    }
    await sleep(1000 * Math.min(errors, LONGEST_WAIT_SECONDS), undefined, { signal });
  }
}
