import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { localInputs } from "../../offline/plugins/command/inputs.ts";
import { runLocal } from "../../offline/plugins/command/local.ts";

const never = new AbortController().signal;

describe("command:local", () => {
  test("both streams are kept without their last newline, and logged as they come", async () => {
    const lines: string[] = [];
    const ran = await runLocal(
      "echo out; echo err >&2; printf 'no newline'",
      localInputs.parse({}),
      undefined,
      (l) => lines.push(l),
      never,
    );
    expect(ran).toEqual({ stdout: "out\nno newline", stderr: "err" });
    expect(lines.sort()).toEqual(["err", "no newline", "out"]);
  });

  test("environment, stdin, interpreter and the previous output reach it", async () => {
    const inputs = localInputs.parse({
      environment: { GREETING: "$(id) 'x'" },
      stdin: "from stdin",
      interpreter: ["/bin/bash", "-c"],
    });
    const ran = await runLocal(
      'printf "%s|%s|%s" "$GREETING" "$(cat)" "$PULUMI_COMMAND_STDOUT"',
      inputs,
      { stdout: "before", stderr: "" },
      () => undefined,
      never,
    );
    expect(ran.stdout).toBe("$(id) 'x'|from stdin|before");
  });

  test("logging none logs nothing, and the outputs stay", async () => {
    const lines: string[] = [];
    const ran = await runLocal(
      "echo quiet",
      localInputs.parse({ logging: "none" }),
      undefined,
      (l) => lines.push(l),
      never,
    );
    expect(ran.stdout).toBe("quiet");
    expect(lines).toEqual([]);
  });

  test("a failure says the status and what was printed", async () => {
    await expect(
      runLocal("echo why >&2; exit 3", localInputs.parse({}), undefined, () => undefined, never),
    ).rejects.toThrow(/exit status 3: running "echo why.*\nwhy/s);
  });

  test("Ctrl-C ends what it started too, which would hold its streams open", async () => {
    const cancel = new AbortController();
    const pids: string[] = [];
    const line = (text: string) => {
      pids.push(text);
      cancel.abort();
    };
    const command = "sleep 60 & echo $!; wait; sleep 60";
    await expect(runLocal(command, localInputs.parse({}), undefined, line, cancel.signal)).rejects.toThrow(
      /SIGTERM/,
    );
    expect(pids).toHaveLength(1);
    const stat = await readFile(`/proc/${pids[0]}/stat`, "utf8").catch(() => ") Z ");
    expect(stat).toContain(") Z ");
  });

  test("Ctrl-C ends it", async () => {
    const cancel = new AbortController();
    const ran = runLocal("exec sleep 60", localInputs.parse({}), undefined, () => undefined, cancel.signal);
    setTimeout(() => cancel.abort(), 50);
    await expect(ran).rejects.toThrow(/abort|SIGTERM/i);
  });
});
