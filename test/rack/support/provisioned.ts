import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { reachedFromHere, resetNode } from "../../../rack/index.ts";
import { rackStateDir } from "../../../rack/paths.ts";
import { nodeSecret } from "../../../rack/secrets.ts";
import {
  hasSnapshot,
  restoreSnapshot,
  type TestNode,
  takeSnapshot,
  testNode,
} from "../../../rack/testing.ts";
import { type CliOptions, type Ran, racksmith } from "./cli.ts";
import { contentHash } from "./content.ts";
import { type Answer, chat } from "./endpoint.ts";
import { edit, forgetStack, keepStack, restoreConfig, restoreState } from "./stack.ts";

/** Of the tests' own. Another one (`entry-4090.b`) lets somebody run a file of them beside a whole run. */
export const NODE = process.env.RACKSMITH_TEST_NODE ?? "entry-4090.tests";

const kept = z.object({
  key: z.object({ node: z.string(), content: z.string() }),
  config: z.string(),
  lastMade: z.string(),
  state: z.string(),
  firstRun: z.object({ output: z.string(), seconds: z.number() }),
});
type Kept = z.infer<typeof kept>;

/** A node that `./racksmith up` has made a serving one, and the stack that describes it. */
export interface Provisioned extends TestNode {
  /** OpenAI base URL as this workstation reaches it: `http://127.0.0.1:PORT/v1`. */
  endpoint: string;
  apiKey: string;
  /** What the run that provisioned it printed. */
  firstRun: { output: string; seconds: number };
  /** `./racksmith VERB NODE --rack -- MORE` */
  racksmith(verb: string, more?: readonly string[], options?: CliOptions): Promise<Ran>;
  /** One chat completion's HTTP status and body. */
  chat(key?: string): Promise<Answer>;
  /** Waits until a chat completion is answered. */
  serves(timeoutSeconds?: number): Promise<void>;
  /** Edits a section of its configuration, until the next `provisioned()`. */
  edit(section: string, patch: Record<string, unknown>): void;
}

/**
 * The node as the first `up` left it, booted and answering. That `up` runs once for one content of the
 * checkout and takes about ten minutes; from then on a copy of its disks, TPM and state is brought back in the
 * time of a boot. RACKSMITH_TEST_REUSE=1 takes the last copy even where the checkout has changed since.
 */
export async function provisioned(tell = toStderr): Promise<Provisioned> {
  const last = readKept();
  const key = { node: NODE, content: contentHash() };
  const fits = last && (last.key.content === key.content || process.env.RACKSMITH_TEST_REUSE === "1");
  const from = fits && hasSnapshot(last.key) ? last : await provision(key, tell);
  const asItWas = wasLeftClean(from.key);
  if (!asItWas) await restoreSnapshot(NODE, from.key, tell);
  restoreConfig(NODE, from);
  const node = await testNode(NODE, { tell });
  if (!asItWas) await restoreState(NODE, from);
  const made = describe(node, from);
  await made.serves();
  return made;
}

function describe(node: TestNode, { firstRun }: Kept): Provisioned {
  const apiKey = nodeSecret(NODE, "api-key").reveal();
  // Where a stack says that it answers; the rack forwards a port of the workstation to it.
  const endpoint = reachedFromHere(NODE, "http://node:8000/v1");
  const ask = (key: string | undefined = apiKey) => chat(endpoint, key);
  return {
    ...node,
    endpoint,
    apiKey,
    firstRun,
    racksmith: (verb, more = [], options = {}) =>
      racksmith([verb, NODE, "--rack", ...(more.length > 0 ? ["--", ...more] : [])], options),
    chat: ask,
    serves: (timeoutSeconds = 300) => answersWithin(ask, timeoutSeconds),
    edit: (name, patch) => edit(NODE, name, patch),
  };
}

async function provision(key: Kept["key"], tell: typeof toStderr): Promise<Kept> {
  tell(`${NODE}: provisioning with ./racksmith up (kept for next time)`);
  await resetNode(NODE, tell);
  await forgetStack(NODE);
  const log = join(rackStateDir("provisioned"), `${NODE}.log`);
  writeFileSync(log, "", { mode: 0o600 });
  tell(`${NODE}: its output goes to ${log}`);
  const { code, output, seconds } = await racksmith(["up", NODE, "--rack"], {
    onOutput: (text) => appendFileSync(log, text),
  });
  if (code !== 0) throw new Error(`./racksmith up ${NODE} --rack: exit ${code}\n${output.slice(-6000)}`);
  tell(`${NODE}: provisioned in ${Math.round(seconds)} s`);
  const made: Kept = { key, ...(await keepStack(NODE)), firstRun: { output, seconds } };
  await takeSnapshot(NODE, key, tell);
  const file = keptFile();
  writeFileSync(`${file}.new`, JSON.stringify(made), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return made;
}

/**
 * For the end of a file that has just seen that nothing differs from its unedited configuration: the next file
 * of this run goes on with the node as it is, and saves a boot.
 */
export function leaveClean(): void {
  writeFileSync(cleanFile(), cleanMark(readKept()?.key));
}

/** Takes the mark away: a file that fails leaves none. */
function wasLeftClean(key: Kept["key"]): boolean {
  const found = existsSync(cleanFile()) && readFileSync(cleanFile(), "utf8");
  rmSync(cleanFile(), { force: true });
  return found === cleanMark(key);
}

const cleanFile = (): string => join(rackStateDir("provisioned"), `${NODE}.clean`);
/** Vitest gives each file a process of its own; their parent is the run. */
const cleanMark = (key: Kept["key"] | undefined): string => `${process.ppid} ${key?.content}`;
const keptFile = (): string => join(rackStateDir("provisioned"), `${NODE}.json`);

function readKept(): Kept | undefined {
  if (!existsSync(keptFile())) return undefined;
  return kept.safeParse(JSON.parse(readFileSync(keptFile(), "utf8"))).data;
}

async function answersWithin(ask: () => Promise<Answer>, seconds: number): Promise<void> {
  const until = Date.now() + seconds * 1000;
  let found = "nothing";
  while (Date.now() < until) {
    const answer = await ask().catch((error: Error) => ({ status: 0, body: error.message }));
    if (answer.status === 200) return;
    found = `${answer.status} ${answer.body.slice(0, 200)}`;
    await sleep(1000);
  }
  throw new Error(`${NODE}: no chat completion within ${seconds} s; the last answer was: ${found}`);
}

function toStderr(line: string): void {
  process.stderr.write(`  ${line}\n`);
}
