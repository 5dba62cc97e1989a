import type { Readable } from "node:stream";
import type { LogLine, Ran } from "./inputs.ts";

type Logging = "stdout" | "stderr" | "stdoutAndStderr" | "none" | undefined;

/**
 * Collects both streams of a command until they end, and passes each whole line of those that `logging`
 * names (default: both) to `log`.
 */
export async function collect(
  streams: { stdout: Readable; stderr: Readable },
  logging: Logging,
  log: LogLine,
) {
  const logs = {
    stdout: logging !== "stderr" && logging !== "none",
    stderr: logging !== "stdout" && logging !== "none",
  };
  const both: string[] = [];
  const [stdout, stderr] = await Promise.all(
    (["stdout", "stderr"] as const).map((name) =>
      drain(streams[name], both, logs[name] ? log : () => undefined),
    ),
  );
  const ran: Ran = { stdout: trimmed(stdout ?? ""), stderr: trimmed(stderr ?? "") };
  return { ran, combined: both.join("") };
}

async function drain(stream: Readable, both: string[], log: LogLine): Promise<string> {
  stream.setEncoding("utf8");
  let text = "";
  let line = "";
  for await (const chunk of stream as AsyncIterable<string>) {
    text += chunk;
    both.push(chunk);
    const lines = (line + chunk).split("\n");
    line = lines.pop() ?? "";
    lines.forEach(log);
  }
  if (line) log(line);
  return text;
}

function trimmed(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}
