import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { cached } from "../../rack/cache.ts";
import { goneWithin, lastLines, runningPid, startDaemon, stopDaemon } from "../../rack/daemon.ts";
import { withLock } from "../../rack/lock.ts";
import { cacheDir, rackStateDir } from "../../rack/paths.ts";
import { freePorts } from "../../rack/ports.ts";
import { run } from "../../rack/run.ts";
import { temporaryState } from "./state.ts";

temporaryState();
const quiet = () => undefined;

/** What sending no signal to a process says: "there", or the error's code. */
function signalled(pid: number): string {
  try {
    process.kill(pid, 0);
    return "there";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "no code";
  }
}

describe("a daemon", () => {
  const daemon = (name: string, ...argv: [string, ...string[]]) => {
    const dir = rackStateDir("daemons");
    return { argv, pidFile: join(dir, `${name}.pid`), logFile: join(dir, `${name}.log`), cwd: dir };
  };

  it("is found running and is ended", async () => {
    const it = daemon("sleeper", "sleep", "60");
    const pid = startDaemon(it);
    expect(runningPid(it.pidFile)).toBe(pid);
    await stopDaemon(it.pidFile, { graceSeconds: 2 });
    expect(runningPid(it.pidFile)).toBeUndefined();
    // Its parent is init, which buries it in its own time.
    await expect.poll(() => signalled(pid), { timeout: 10_000 }).toBe("ESRCH");
  });

  it("that ignores SIGTERM is killed after the grace", async () => {
    const it = daemon("stubborn", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done");
    startDaemon(it);
    while (!lastLines(it.logFile).includes("ready")) await sleep(20);
    await stopDaemon(it.pidFile, { graceSeconds: 0.3 });
    expect(await goneWithin(it.pidFile, 0)).toBe(true);
  });

  it("is not mistaken for another process with its number", () => {
    const file = join(rackStateDir(), "reused.pid");
    writeFileSync(file, `${process.pid} 1\n`);
    expect(runningPid(file)).toBeUndefined();
  });

  it("leaves its last lines without a terminal's codes", () => {
    const file = join(rackStateDir(), "console.log");
    writeFileSync(file, "one\r\n[\u001b[0;32m  OK  \u001b[0m] two\r\n");
    expect(lastLines(file, 1)).toBe("[  OK  ] two");
  });
});

describe("a lock", () => {
  it("lets one in at a time, and is free again after a failure", async () => {
    const path = join(rackStateDir(), "some.lock");
    const order: string[] = [];
    const slow = withLock(path, quiet, async () => {
      order.push("first in");
      await sleep(150);
      order.push("first out");
    });
    await sleep(50);
    await expect(
      withLock(path, quiet, async () => {
        order.push("second in");
        throw new Error("told");
      }),
    ).rejects.toThrow("told");
    await slow;
    await withLock(path, quiet, async () => void order.push("third in"));
    expect(order).toEqual(["first in", "first out", "second in", "third in"]);
  });
});

describe("the cache", () => {
  const thing = (recipe: unknown, build: (dir: string) => Promise<void>) => ({
    kind: "unit",
    recipe,
    title: "a thing",
    build,
  });
  const kept = () => readdirSync(join(cacheDir(), "rack", "unit"));

  it("builds once, also when two ask at once", async () => {
    let builds = 0;
    const ask = () =>
      cached(
        thing("once", async (dir) => {
          builds += 1;
          await sleep(50);
          writeFileSync(join(dir, "file"), "whole");
        }),
        quiet,
      );
    const [one, two] = await Promise.all([ask(), ask()]);
    expect(one).toBe(two);
    expect(builds).toBe(1);
    expect(readFileSync(join(one, "file"), "utf8")).toBe("whole");
  });

  it("keeps nothing of a build that failed", async () => {
    const before = kept().length;
    const failing = thing("fails", async (dir) => {
      writeFileSync(join(dir, "half"), "");
      throw new Error("no space");
    });
    await expect(cached(failing, quiet)).rejects.toThrow("no space");
    expect(kept()).toHaveLength(before);
  });

  it("keeps the last two of a kind", async () => {
    for (const recipe of ["a", "b", "c"])
      await cached(
        thing(recipe, async () => undefined),
        quiet,
      );
    expect(kept()).toHaveLength(2);
    expect(
      existsSync(
        await cached(
          thing("c", async () => Promise.reject(new Error("built again"))),
          quiet,
        ),
      ),
    ).toBe(true);
  });
});

describe("ports", () => {
  it("keep a wish unless it is taken, and leave out what belongs to others", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const taken = typeof address === "object" && address !== null ? address.port : 0;
    const [first = 0] = await freePorts([undefined], new Set());
    const [kept, other, next] = await freePorts([first, taken, undefined], new Set([first + 1]));
    server.close();
    expect(kept).toBe(first);
    expect(other).not.toBe(taken);
    expect(new Set([kept, other, next, first + 1]).size).toBe(4);
  });
});

describe("a command", () => {
  it("that fails says its status and last lines, never what came in on stdin", async () => {
    const failure = run(["sh", "-c", "cat >/dev/null; echo gone wrong >&2; exit 3"], { input: "canary" });
    await expect(failure).rejects.toThrow(/sh exited with 3\ngone wrong/);
    await expect(failure).rejects.not.toThrow(/canary/);
  });

  it("that is not installed is named", async () => {
    await expect(run(["no-such-command-here"])).rejects.toThrow(/no-such-command-here.*not there/);
  });

  it("that takes too long is ended", async () => {
    await expect(run(["sleep", "20"], { timeoutSeconds: 0.2 })).rejects.toThrow(/did not end within 0.2 s/);
  });
});
