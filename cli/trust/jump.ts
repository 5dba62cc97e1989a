import type { Duplex } from "node:stream";
import { connectionSchema } from "../../config/connection.ts";
import { dial } from "../../provider/ssh/dial.ts";
import { CliError, messageOf } from "../errors.ts";

/** A way to an address through machines that are pinned already. */
export interface Way {
  open(): Promise<Duplex>;
  end(): void;
}

/**
 * Logs in to the machines on the way, nearest first, as the configuration says, and opens streams from the last one.
 * `jumps` is what stands in the file: an encrypted key cannot be used here.
 */
export async function wayThrough(
  jumps: readonly unknown[],
  address: string,
  port: number,
): Promise<Way | undefined> {
  const last = jumps.at(-1);
  if (last === undefined) return undefined;
  const parsed = connectionSchema.safeParse({ ...Object(last), name: "jump", jump: jumps.slice(0, -1) });
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new CliError(
      `${address}:${port}: its jump cannot be used:\n  ${problems.join("\n  ")}\n` +
        "Pin the jump first (racksmith trust, with its own address), and give it a privateKeyFile or the agent: an " +
        `encrypted privateKey is not read here. Or look at the server's console, and write its ` +
        "/etc/ssh/ssh_host_ed25519_key.pub to hostKeys by hand.",
    );
  }
  try {
    const { client, end } = await dial(parsed.data);
    const open = () =>
      new Promise<Duplex>((resolve, reject) =>
        client.forwardOut("127.0.0.1", 0, address, port, (error, stream) =>
          error ? reject(new Error(`the jump cannot reach it: ${error.message}`)) : resolve(stream),
        ),
      );
    return { open, end };
  } catch (error) {
    throw new CliError(messageOf(error));
  }
}
