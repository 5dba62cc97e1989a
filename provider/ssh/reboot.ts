import type { Report } from "../report.ts";
import { untilAborted } from "./abort.ts";
import { Backoff, mayPassAgain } from "./backoff.ts";
import type { Dispatcher } from "./command.ts";
import { HostError, isHostError } from "./errors.ts";
import type { Session } from "./session.ts";

/** An act of somebody else still runs there; the wait for it is short, so that it ends with whoever asked. */
const BUSY = 69;
/** The longest that an act may take on the node. */
const LONGEST_ACT_MS = 21_600_000;
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

export interface RebootTimes {
  /** After a cut that came instead of an answer, how long the old boot may go on answering before it is asked again. */
  askAgainMs: number;
  /** How long a connected host may take to tell its boot id: a half-booted one lets us in and then says nothing. */
  answerMs: number;
}

const TIMES: RebootTimes = { askAgainMs: 60_000, answerMs: 30_000 };

/** Reboots a host and waits until it runs a new boot and answers. @throws HostError when it does not in time */
export async function rebootHost(
  session: Session,
  dispatcher: Dispatcher,
  report: Report,
  signal: AbortSignal,
  times = TIMES,
): Promise<void> {
  const { name, rebootTimeoutSeconds } = session.connection;
  const before = await bootId(session, signal, times);
  report.status("rebooting");
  let agreed = await ask(name, dispatcher, report, signal);
  let begun = Date.now();
  let askedLast = begun;
  let backoff = new Backoff(rebootTimeoutSeconds * 1000);
  while (!backoff.spent) {
    await backoff.pause(signal).catch(() => {
      throw cancelled(name);
    });
    report.status(`waiting for the host to come back (${Math.round((Date.now() - begun) / 1000)} s)`);
    try {
      // While it goes down the old connection may still answer, with the old boot.
      if ((await bootId(session, signal, times)) !== before) return;
    } catch (error) {
      // Half-booted machines refuse users (pam_nologin) and cut connections. A wrong host key stays wrong.
      if (!isHostError(error, "cut", "unreachable", "login", "failed")) throw error;
      await session.drop();
      continue;
    }
    if (!agreed && Date.now() - askedLast >= times.askAgainMs) {
      report.status("asking for the reboot again: the connection was cut, and the old boot still answers");
      agreed = await ask(name, dispatcher, report, signal).catch((error: unknown) => {
        // It may be going down just now.
        if (mayPassAgain(error)) return false;
        throw error;
      });
      askedLast = Date.now();
      if (!agreed) continue;
      begun = askedLast;
      backoff = new Backoff(rebootTimeoutSeconds * 1000);
    } else if (Date.now() - begun > 20_000) await session.drop();
  }
  throw new HostError({
    kind: "unreachable",
    host: name,
    tried: "rebooting",
    problem: `it did not come back within ${rebootTimeoutSeconds} s`,
    remedy: "look at its console; when it answers again, run `up` once more",
  });
}

/** False when the host went without a word: it goes down, or it never heard. */
async function ask(
  host: string,
  dispatcher: Dispatcher,
  report: Report,
  signal: AbortSignal,
): Promise<boolean> {
  const until = Date.now() + LONGEST_ACT_MS;
  const onLine = (line: string) => {
    if (line.startsWith("::status ")) report.status(line.slice(9));
  };
  while (Date.now() < until) {
    try {
      const { code, stderr } = await dispatcher.run("rebooting", ["reboot"], { onLine, signal });
      if (code === BUSY) continue;
      if (code === 0 || code === undefined) return code === 0;
      throw new HostError({
        kind: "failed",
        host,
        tried: "rebooting",
        problem: `exit status ${code}`,
        lastLines: stderr,
      });
    } catch (error) {
      if (signal.aborted) throw cancelled(host);
      // The machine may go down before it answers.
      if (isHostError(error, "cut")) return false;
      throw error;
    }
  }
  throw new HostError({
    kind: "failed",
    host,
    tried: "rebooting",
    problem: `an act has been running there for ${LONGEST_ACT_MS / 3_600_000} hours; it was not rebooted`,
    remedy: "see what it does: systemctl list-units 'racksmith-act-*'",
  });
}

function cancelled(host: string): HostError {
  return new HostError({
    kind: "cancelled",
    host,
    tried: "rebooting",
    problem: "cancelled while it waited for the host",
    remedy: "when it answers again, the next `up` goes on from what it finds",
  });
}

async function bootId(session: Session, signal: AbortSignal, { answerMs }: RebootTimes): Promise<string> {
  const host = session.connection.name;
  const tried = "reading the boot id";
  let id = "";
  const onLine = (line: string) => {
    id ||= line.trim();
  };
  let limit: AbortSignal | undefined;
  try {
    await untilAborted(session.connect(), signal);
    // From here on: connecting has its own bound, connectTimeoutSeconds.
    limit = AbortSignal.timeout(answerMs);
    const { code } = await session.exec(tried, `cat ${BOOT_ID}`, {
      onLine,
      signal: AbortSignal.any([signal, limit]),
    });
    if (code === 0 && id !== "") return id;
    throw new HostError({ kind: "failed", host, tried, problem: `exit status ${code ?? "none"}` });
  } catch (error) {
    if (signal.aborted) throw cancelled(host);
    if (!limit?.aborted) throw error;
    throw new HostError({
      kind: "cut",
      host,
      tried,
      problem: `connected, but no answer within ${answerMs / 1000} s`,
      remedy: "look at its console; when it answers again, run `up` once more",
    });
  }
}
