import type { ScriptInputs } from "../noun.ts";
import type { Report } from "../report.ts";
import { Backoff, mayPass, mayPassAgain } from "./backoff.ts";
import type { Dispatcher } from "./command.ts";
import { HostError, isHostError } from "./errors.ts";
import { Tail } from "./lines.ts";
import type { Redactor } from "./redact.ts";
import { encodeSection } from "./section.ts";

export interface ActRequest {
  host: string;
  noun: string;
  verb: "apply" | "remove";
  /** Names the resource on the node, `[A-Za-z0-9._-]+`: an act of it that still runs is followed, not doubled. */
  key: string;
  inputs: ScriptInputs;
}

export interface ActResult {
  /** Why apply.sh wants a reboot, if it does. */
  rebootWhy: string | undefined;
  /** An act that an earlier run had started was followed: its inputs may have been others. */
  found: boolean;
}

export interface ActContext {
  dispatcher: Dispatcher;
  redactor: Redactor;
  report: Report;
  signal: AbortSignal;
  /** How long a cut act is looked for, in ms. */
  reattachMs: number;
}

/** What following has seen so far: enough to go on after a cut. */
class Progress {
  id: string | undefined;
  offsetBytes = 0;
  exit: number | undefined;
  gone = false;
  result: ActResult = { rebootWhy: undefined, found: false };
  readonly tail = new Tail(20);
}

/** Runs an act and follows it to its end, over as many connections as it takes. @throws HostError */
export async function runAct(request: ActRequest, context: ActContext): Promise<ActResult> {
  const progress = new Progress();
  const section = encodeSection(request.inputs);
  const tried = `${request.noun} ${request.verb}`;
  let backoff = new Backoff(context.reattachMs);
  while (progress.exit === undefined) {
    const seen = progress.offsetBytes;
    try {
      await attach(request, section, tried, progress, context);
    } catch (error) {
      if (context.signal.aborted) throw cancelled(request.host, tried, progress);
      const passes = progress.id === undefined ? mayPass : mayPassAgain;
      if (!passes(error)) throw error;
      if (progress.offsetBytes > seen) backoff = new Backoff(context.reattachMs);
      if (backoff.spent) throw lost(request.host, tried, progress, error);
      context.report.status(`connection cut during ${tried}; reconnecting (the act goes on there)`);
      await backoff.pause(context.signal).catch(() => {
        throw cancelled(request.host, tried, progress);
      });
    }
  }
  if (progress.exit !== 0) throw failed(request.host, tried, progress);
  return progress.result;
}

async function attach(
  { noun, verb, key }: ActRequest,
  section: string,
  tried: string,
  progress: Progress,
  context: ActContext,
): Promise<void> {
  const onLine = (line: string, bytes: number) => takeLine(line, bytes, progress, context);
  const { signal, dispatcher } = context;
  const { code, stderr } =
    progress.id === undefined
      ? await dispatcher.run(tried, ["act", noun, verb, key, String(Buffer.byteLength(section))], {
          stdin: section,
          onLine,
          signal,
        })
      : await dispatcher.run(tried, ["follow", progress.id, String(progress.offsetBytes)], {
          onLine,
          signal,
        });
  if (progress.exit !== undefined) return;
  if (progress.gone) {
    // The machine restarted under it: what is there now says what is left to do.
    progress.result.found = true;
    progress.exit = 0;
    return;
  }
  // 65: the input was cut short, so nothing was started; 124 and signals: the follower died, not the act.
  if (code === 65 || progress.id !== undefined) {
    throw new HostError({ kind: "cut", host: noun, tried, problem: "the follower ended early" });
  }
  for (const line of stderr) progress.tail.push(context.redactor.redact(line));
  progress.exit = code ?? 137;
}

function takeLine(line: string, bytes: number, progress: Progress, { report, redactor }: ActContext): void {
  const [, word, rest] = /^::(act|found|gone|exit|status|warn|reboot) ?(.*)$/.exec(line) ?? [];
  const text = redactor.redact(rest ?? "");
  if (word === "act") progress.id ??= rest;
  else if (word === "found") progress.result.found = true;
  else if (word === "gone") progress.gone = true;
  else if (word === "exit" && /^\d+$/.test(text)) progress.exit = Number(text);
  else {
    // Only these are in the log, and count for the place to go on from.
    progress.offsetBytes += bytes;
    if (word === "status") report.status(text);
    else if (word === "warn") report.warn(text);
    else if (word === "reboot") progress.result.rebootWhy = text;
    else if (line !== "") progress.tail.push(redactor.redact(line));
  }
}

function failed(host: string, tried: string, { exit, id, tail }: Progress): HostError {
  return new HostError({
    kind: "failed",
    host,
    tried,
    problem: exit === 137 ? "it was killed" : `exit status ${exit}`,
    lastLines: tail.lines(),
    remedy: `the whole log is on the host: ${whereIsTheLog(id)}`,
  });
}

function cancelled(host: string, tried: string, { id, tail }: Progress): HostError {
  return new HostError({
    kind: "cancelled",
    host,
    tried,
    problem:
      id === undefined
        ? "cancelled before it was seen to start"
        : `cancelled here; on the host it goes on as racksmith-act-${id}`,
    lastLines: tail.lines().slice(-3),
    remedy:
      id === undefined
        ? "the next `up` finds out"
        : `the next \`up\` waits for it; to stop it: systemctl stop racksmith-act-${id}`,
  });
}

function lost(host: string, tried: string, { id, tail }: Progress, error: HostError): HostError {
  return new HostError({
    kind: isHostError(error, "cut") ? "cut" : "unreachable",
    host,
    tried,
    problem: `the connection was cut and did not come back (${error.parts.problem}); ${
      id === undefined ? "the act was not seen to start" : `the act racksmith-act-${id} was running there`
    }`,
    lastLines: tail.lines().slice(-5),
    remedy: `when the host answers again, the next \`up\` goes on from what it finds; log: ${whereIsTheLog(id)}`,
    cause: error,
  });
}

function whereIsTheLog(id: string | undefined): string {
  return id === undefined ? "journalctl -t racksmith" : `journalctl -u racksmith-act-${id}`;
}
