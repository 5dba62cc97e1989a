import { createConnection } from "node:net";
import { RackError } from "../errors.ts";

/** Sends one command to a running QEMU over its QMP socket and waits for the answer. */
export async function qmp(socketPath: string, command: string, timeoutMs = 5000): Promise<void> {
  const socket = createConnection(socketPath);
  let buffered = "";
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(new RackError(`QEMU's control socket ${socketPath}: ${why}`));
    socket.setTimeout(timeoutMs, () => fail(`no answer to ${command} within ${timeoutMs} ms`));
    socket.once("error", (error) => fail(error.message));
    socket.once("close", () => fail("closed before it answered"));
    socket.on("connect", () => socket.write('{"execute":"qmp_capabilities","id":"hello"}\n'));
    socket.on("data", (data) => {
      buffered += data.toString();
      const lines = buffered.split("\n");
      buffered = lines.pop() ?? "";
      for (const line of lines) {
        const { id, error } = JSON.parse(line) as { id?: string; error?: { desc: string } };
        if (error !== undefined) fail(error.desc);
        else if (id === "hello") socket.write(`${JSON.stringify({ execute: command, id: "command" })}\n`);
        else if (id === "command") resolve();
      }
    });
  }).finally(() => socket.destroy());
}
