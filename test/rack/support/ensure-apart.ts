// Brings one noun about as the provider does, in a process of its own, which a test kills with -9 or cuts off.
// stdin: { noun, inputs, connection } as JSON. stdout: what it tells while it works, one line each. Exit 1: the error
// is on stderr.
import { text } from "node:stream/consumers";
import { connectionSchema } from "../../../config/connection.ts";
import { closed } from "../../../provider/any-noun.ts";
import { ensure } from "../../../provider/lifecycle.ts";
import * as registry from "../../../provider/resources/index.ts";
import { Pool } from "../../../provider/ssh/pool.ts";
import { Redactor } from "../../../provider/ssh/redact.ts";
import { loadScripts } from "../../../provider/ssh/scripts.ts";

const { noun: name, inputs, connection } = JSON.parse(await text(process.stdin));
const noun = Object.values(registry)
  .map(closed)
  .find((one) => one.name === name);
if (noun === undefined) throw new Error(`${name}: no such noun`);
const redactor = new Redactor();
redactor.learn(noun.secrets.map((key) => inputs[key]));
const pool = new Pool({
  redactor,
  scripts: loadScripts(),
  reattachMs: 600_000,
  signal: new AbortController().signal,
});
const tell = (line: string) => void process.stdout.write(`${redactor.redact(line)}\n`);
const report = { status: tell, info: tell, warn: tell };
try {
  const host = pool.host(connectionSchema.parse(connection));
  await ensure({ noun, key: `test-${noun.name}`, inputs, host, report });
} catch (error) {
  console.error(redactor.redact(error instanceof Error ? error.message : String(error)));
  process.exitCode = 1;
} finally {
  await pool.end();
}
