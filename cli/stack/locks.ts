import { readFileSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { CliError, exitCodes } from "../errors.ts";
import { note } from "../progress.ts";

const lockFile = z.object({
  pid: z.number().int(),
  username: z.string(),
  hostname: z.string(),
  timestamp: z.iso.datetime({ offset: true }),
});

export type LockVerdict = { file: string; holder: string } & ({ stale: string } | { live: string });

/** A lock being written this very moment may be torn; an old one that is torn was left by a crash. */
const tornGraceSeconds = 30;

/**
 * Removes locks that a dead process on this machine left, with a message, and refuses (exit code 3) when
 * somebody really holds the stack. `folder` is that of one stack in a file backend; it may be absent.
 */
export async function recoverLocks(folder: string, stack: string): Promise<void> {
  for (const verdict of await judgeLocks(folder)) {
    if ("live" in verdict) {
      throw new CliError(
        `${stack}: locked by ${verdict.holder}: ${verdict.live}.\n` +
          `Wait for it to end. If you are sure that it is gone: pulumi cancel --stack ${stack}`,
        exitCodes.locked,
      );
    }
    await rm(verdict.file, { force: true });
    await rm(`${verdict.file}.attrs`, { force: true });
    note(`${stack}: removed the lock of ${verdict.holder}: ${verdict.stale}`);
  }
}

/** Reads the lock files and says of each whether its holder can still be at work. */
export async function judgeLocks(folder: string): Promise<LockVerdict[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new CliError(`${folder}: cannot be read (${error.code})`);
  });
  const files = names.filter((name) => name.endsWith(".json")).map((name) => join(folder, name));
  return (await Promise.all(files.map(judge))).filter((verdict) => verdict !== undefined);
}

async function judge(file: string): Promise<LockVerdict | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined; // released while we looked
  const parsed = lockFile.safeParse(parseJson(text));
  if (!parsed.success) return judgeTorn(file);
  const { pid, username, hostname: host, timestamp } = parsed.data;
  const holder = `${username}@${host} (pid ${pid}, since ${timestamp})`;
  if (host !== hostname()) return { file, holder, live: "it runs on another machine" };
  const started = processStart(pid);
  if (started === undefined) return { file, holder, stale: "that process is gone" };
  // A second of slack: the kernel counts in ticks since boot. An engine is live whatever the times say: they are told
  // by the wall clock, and when that steps forward, every process seems to have started later than it did.
  if (!isEngine(pid) && started > Date.parse(timestamp) + 1000) {
    return { file, holder, stale: "that process is gone; its number belongs to a younger one" };
  }
  return { file, holder, live: "it is still running" };
}

async function judgeTorn(file: string): Promise<LockVerdict | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (!found) return undefined;
  const ageSeconds = (Date.now() - found.mtimeMs) / 1000;
  const holder = `an unknown process (${file} is not readable as a lock)`;
  return ageSeconds > tornGraceSeconds
    ? { file, holder, stale: `torn ${Math.round(ageSeconds)} s ago, by a crash or a full disk` }
    : { file, holder, live: "the lock is being written now" };
}

/** When the process started, in ms since the epoch; undefined when there is none. */
export function processStart(pid: number): number | undefined {
  try {
    // Fields after the command name, which may hold spaces and parentheses itself.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").trim().split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const bootSeconds = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]);
    return (bootSeconds + Number(fields[19]) / clockTicksPerSecond) * 1000;
  } catch {
    return undefined;
  }
}

/** The engine itself, or a plugin of its. */
function isEngine(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("pulumi");
  } catch {
    return false;
  }
}

/** USER_HZ, which Linux fixes at 100 for what it shows to programs. */
const clockTicksPerSecond = 100;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
