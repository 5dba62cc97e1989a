import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Pool } from "../../provider/ssh/pool.ts";
import { Redactor } from "../../provider/ssh/redact.ts";
import { loadScripts } from "../../provider/ssh/scripts.ts";
import { SshServer, toyScripts } from "../support/ssh-server.ts";
import { Messages } from "./host-fixture.ts";

// Prints Latin-1, says so, prints `first` with no newline of its own; then, when told, `second` and a newline.
const SCRIPT = `set -euo pipefail
. "$(dirname "\${BASH_SOURCE[0]}")/../lib.sh"
first="" second="" code=0
read_inputs first second code
printf 'caf\\xe9 \\xff\\xfe\\n::status half is said\\n%s' "$first"
until [[ -e $TOY/go ]]; do sleep 0.1; done
printf '%s\\n' "$second"
exit "$code"
`;

let server: SshServer;
beforeEach(async () => {
  server = await SshServer.start();
});
afterEach(() => server.stop());

/** Runs the script above over a connection that is cut in its middle. */
async function cutInTheMiddle(inputs: { first: string; second: string; code: number }) {
  const folder = await toyScripts(server.folder);
  await mkdir(join(folder, "halves"));
  await writeFile(join(folder, "halves/apply.sh"), SCRIPT);
  await mkdir(join(server.folder, "toy"));
  const redactor = new Redactor();
  redactor.learn("canary-5512");
  const scripts = loadScripts(folder, server.library);
  const signal = new AbortController().signal;
  const pool = new Pool({ redactor, scripts, reattachMs: 10_000, signal });
  const report = new Messages();
  const acting = pool.host(server.connection()).act("halves", "apply", "k", inputs, report);
  while (!report.statuses.includes("half is said")) await sleep(20);
  // `first` came with it, or comes with the next look at the log.
  await sleep(500);
  server.proxy.cut();
  await writeFile(join(server.folder, "toy/go"), "");
  const result = await acting.catch((error: Error) => error);
  await pool.end();
  return { result, statuses: report.statuses.filter((text) => text === "half is said") };
}

test("a word that a cut went through is read whole", async () => {
  const { result, statuses } = await cutInTheMiddle({ first: "::reboot beca", second: "use of it", code: 0 });
  expect(result).toMatchObject({ rebootWhy: "because of it" });
  expect(statuses).toHaveLength(1);
});

test("output that is not UTF-8 does not move the place to go on from", async () => {
  const { result, statuses } = await cutInTheMiddle({ first: "", second: "::reboot because of it", code: 0 });
  expect(result).toMatchObject({ rebootWhy: "because of it" });
  expect(statuses).toHaveLength(1);
});

test("a secret that a cut went through stays secret", async () => {
  const { result } = await cutInTheMiddle({ first: "password canary-55", second: "12 is bad", code: 1 });
  expect(result).toBeInstanceOf(Error);
  const { message } = result as Error;
  expect(message).toContain("password [secret] is bad");
  expect(message).not.toContain("canary");
});
