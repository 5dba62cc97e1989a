import type { Report } from "../report.ts";
import { Backoff } from "./backoff.ts";
import type { Dispatcher } from "./command.ts";
import { HostError, isHostError } from "./errors.ts";
import type { Session } from "./session.ts";

/** An act of somebody else still runs there; the wait for it is short, so that it ends with whoever asked. */
const BUSY = 69;
/** The longest that an act may take on the node. */
const LONGEST_ACT_MS = 21_600_000;
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** Reboots a host and waits until it runs a new boot and answers. @throws HostError when it does not in time */
export async function rebootHost(
  session: Session,
  dispatcher: Dispatcher,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { name, rebootTimeoutSeconds } = session.connection;
  const before = await bootId(session);
  report.status("rebooting");
  await ask(name, dispatcher, report, signal);
  const begun = Date.now();
  const backoff = new Backoff(rebootTimeoutSeconds * 1000);
  while (!backoff.spent) {
    await backoff.pause(signal).catch(() => {
      throw cancelled(name);
    });
    report.status(`waiting for the host to come back (${Math.round((Date.now() - begun) / 1000)} s)`);
    try {
      // While it goes down the old connection may still answer, with the old boot.
      if ((await bootId(session)) !== before) return;
      if (Date.now() - begun > 20_000) await session.drop();
    } catch (error) {
      // Half-booted machines refuse users (pam_nologin) and cut connections. A wrong host key stays wrong.
      if (!isHostError(error, "cut", "unreachable", "login", "failed")) throw error;
      await session.drop();
    }
  }
  throw new HostError({
    kind: "unreachable",
    host: name,
    tried: "rebooting",
    problem: `it did not come back within ${rebootTimeoutSeconds} s`,
    remedy: "look at its console; when it answers again, run `up` once more",
  });
}

async function ask(host: string, dispatcher: Dispatcher, report: Report, signal: AbortSignal): Promise<void> {
  const until = Date.now() + LONGEST_ACT_MS;
  const onLine = (line: string) => {
    if (line.startsWith("::status ")) report.status(line.slice(9));
  };
  while (Date.now() < until) {
    try {
      const { code, stderr } = await dispatcher.run("rebooting", ["reboot"], { onLine, signal });
      if (code === BUSY) continue;
      if (code === 0 || code === undefined) return;
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
      if (isHostError(error, "cut")) return;
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

async function bootId(session: Session): Promise<string> {
  let id = "";
  const { code } = await session.exec("reading the boot id", `cat ${BOOT_ID}`, {
    onLine: (line) => {
      id ||= line.trim();
    },
  });
  if (code === 0 && id !== "") return id;
  throw new HostError({
    kind: "failed",
    host: session.connection.name,
    tried: "reading the boot id",
    problem: `exit status ${code ?? "none"}`,
  });
}
