import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { must } from "../../cli/process.ts";
import { commandConnection, hookScript, NODE_COMMAND } from "../../components/hook-commands.ts";
import { hook } from "../../config/hooks.ts";
import { makeKey } from "../support/ssh-server.ts";
import { agentWith } from "./agent.ts";
import { edition } from "./edition.ts";
import { Machine } from "./machine.ts";
import type { Program } from "./program.ts";
import { Stack } from "./stack.ts";
import { tool } from "./tools.ts";

const CANARY = "canary-4c19f0e2b8";
let machine: Machine;
let stack: Stack;

beforeAll(async () => {
  machine = await Machine.start();
});
afterAll(() => machine?.stop());
beforeEach(async () => {
  stack = await Stack.start();
});
afterEach(() => stack?.stop());

const text = (name: string) => readFile(join(stack.folder, name), "utf8").catch(() => "");

interface Hook {
  run: string;
  environment?: Record<string, string>;
  triggers?: unknown[];
  logging?: string;
}

/** A hook on the node, as components/hooks.ts makes it. */
function programFor(given: Hook, changes: Record<string, unknown> = {}, dials = 0): Program {
  const { run, environment = {}, ...args } = given;
  const connection = commandConnection(machine.connection(changes), (file) => readFileSync(file, "utf8"));
  const dialled = { dialErrorLimit: dials };
  const proxy = connection.proxy && { ...connection.proxy, ...dialled };
  const script = hookScript(hook.parse({ where: "node", run, environment }));
  return {
    remotes: {
      hook: {
        args: {
          create: NODE_COMMAND,
          stdin: { $secret: script },
          connection: { $secret: { ...connection, ...dialled, ...(proxy && { proxy }) } },
          ...args,
        },
        additionalSecretOutputs: ["stdout", "stderr"],
      },
    },
  };
}

async function up(...args: Parameters<typeof programFor>): Promise<string> {
  await stack.want(programFor(...args));
  const ran = await stack.up();
  expect(ran.code, `${ran.output}\n${await machine.log()}`).toBe(0);
  return ran.output;
}

/** An output of the hook in the clear. */
async function stdout(): Promise<unknown> {
  const { output } = await stack.pulumi("stack", "export", "--stack", "test", "--show-secrets");
  const resources: { urn: string; outputs?: { stdout?: { plaintext: string } } }[] =
    JSON.parse(output).deployment.resources;
  const found = resources.find(({ urn }) => urn.endsWith("::hook"))?.outputs?.stdout;
  return found && JSON.parse(found.plaintext);
}

test("runs once with what it is given; hostile values arrive whole; nothing secret is in the clear", async () => {
  const environment = { A: "$(id) `id` 'x' \"y\" \\n ${HOME}", B: "one\ntwo", TOKEN: CANARY };
  const given = {
    run: `echo ran >>'${stack.folder}/ran'\nprintf '%s|' "$A" "$B"\necho "$TOKEN"`,
    environment,
    triggers: ["one"],
    logging: "none",
  };
  const output = await up(given);
  expect(await stdout()).toBe(`${environment.A}|${environment.B}|${CANARY}`);
  const state = await stack.state();
  for (const secret of [CANARY, "PRIVATE KEY", "AAAAC3NzaC1lZDI1NTE5AAAA"]) {
    expect(state).not.toContain(secret);
    expect(output).not.toContain(secret);
  }
  expect(await up(given)).toMatch(/^ +2 unchanged$/m);
  expect(await text("ran")).toBe("ran\n");
  expect(await up({ ...given, triggers: ["two"] })).toContain("+-1 replaced");
  expect(await text("ran")).toBe("ran\nran\n");
  const destroy = await stack.destroy();
  expect(destroy.code, destroy.output).toBe(0);
  expect(await text("ran")).toBe("ran\nran\n");
});

test("a changed script alone updates it; a preview neither runs nor connects", async () => {
  await up({ run: "echo one" });
  await stack.want(programFor({ run: `echo two >>'${stack.folder}/ran'` }));
  const preview = await stack.preview();
  expect(preview.code, preview.output).toBe(0);
  expect(preview.output).toContain("~ 1 to update");
  expect(await text("ran")).toBe("");
  expect((await stack.up()).output).toContain("~ 1 updated");
  expect(await text("ran")).toBe("two\n");
});

test("a failure says the status and what was printed", async () => {
  await stack.want(programFor({ run: "echo out\necho why >&2\nexit 3" }));
  const failed = await stack.up();
  expect(failed.code).not.toBe(0);
  expect(failed.output).toMatch(/status 3/);
  for (const said of ["out", "why"]) expect(failed.output).toContain(said);
});

test("a line of the script that fails ends it", async () => {
  await stack.want(programFor({ run: `false\necho on >'${stack.folder}/ran'` }));
  expect((await stack.up()).code).not.toBe(0);
  expect(await text("ran")).toBe("");
});

test("a host key that is not the pinned one is refused", async () => {
  const run = `echo ran >'${stack.folder}/ran'`;
  await stack.want(programFor({ run }, { hostKeys: [makeKey().public] }));
  const refused = await stack.up();
  expect(refused.code).not.toBe(0);
  expect(refused.output).toMatch(/host key/i);
  expect(await text("ran")).toBe("");
});

test.runIf(edition === "offline")("the pinned key may be of a kind that Go would not ask for", async () => {
  const [ed25519] = machine.hostKeys.map((key) => key.public);
  await up({ run: "echo in" }, { hostKeys: [ed25519] });
  expect(await stdout()).toBe("in");
});

test("a jump host's key that is not the pinned one is refused", async () => {
  const { address, port, user, privateKeyFile } = machine.connection();
  const jump = { address, port, user, privateKeyFile, hostKeys: [makeKey().public] };
  await stack.want(programFor({ run: "echo ran" }, { jump }));
  const refused = await stack.up();
  expect(refused.code).not.toBe(0);
  expect(refused.output).toMatch(/host key/i);
});

test("through a jump host", async () => {
  const { address, port, user, hostKeys, privateKeyFile } = machine.connection();
  await up({ run: 'echo "$SSH_CONNECTION"' }, { jump: { address, port, user, hostKeys, privateKeyFile } });
  expect(await stdout()).toMatch(new RegExp(` ${machine.sshPort}$`));
});

test("with a key that has a passphrase", async () => {
  const file = join(stack.folder, "locked");
  await writeFile(file, machine.userKey.private, { mode: 0o600 });
  await must("ssh-keygen", tool("ssh-keygen"), ["-p", "-q", "-f", file, "-P", "", "-N", CANARY]);
  await up({ run: "echo opened" }, { privateKeyFile: file, passphrase: CANARY });
  expect(await stdout()).toBe("opened");
  expect(await stack.state()).not.toContain(CANARY);
});

test("with the key in an agent only", async () => {
  const agent = await agentWith(join(machine.folder, "user_key"));
  const before = process.env.SSH_AUTH_SOCK;
  process.env.SSH_AUTH_SOCK = stack.env.SSH_AUTH_SOCK = agent.socket;
  try {
    await up({ run: "echo asked" }, { privateKeyFile: undefined });
    expect(await stdout()).toBe("asked");
  } finally {
    agent.stop();
    if (before === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = before;
  }
});

test("a host that comes up a little later is waited for, as many times as it says", async () => {
  await machine.halt();
  await stack.want(programFor({ run: "echo up" }));
  const refused = await stack.up();
  expect(refused.code).not.toBe(0);
  expect(refused.output).toContain("127.0.0.1");
  await stack.want(programFor({ run: "echo up" }, {}, 30));
  const { ran } = stack.start("up", "--yes", "--stack", "test", "--skip-preview");
  await Promise.all([ran, new Promise((resolve) => setTimeout(resolve, 5_000)).then(() => machine.boot())]);
  const { code, output } = await ran;
  expect(code, output).toBe(0);
  expect(await stdout()).toBe("up");
});
