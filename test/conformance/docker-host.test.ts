import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { makeKey } from "../support/ssh-server.ts";
import { agentWith } from "./agent.ts";
import { containerOf, dockerHost } from "./docker-host.ts";
import { Machine } from "./machine.ts";
import type { Program } from "./program.ts";
import { Stack } from "./stack.ts";

let machine: Machine;
let stack: Stack;
let image: string;

const programFor = (changes: Record<string, unknown> = {}): Program => ({
  docker: dockerHost(machine.connection(changes), join(stack.folder, "ssh")),
  images: { tiny: { args: { name: image, keepLocally: true } } },
  volumes: { data: { args: { name: "data" }, retainOnDelete: true } },
  containers: { app: { args: containerOf() } },
});

beforeAll(async () => {
  machine = await Machine.start();
  image = await machine.image("one");
});
afterAll(() => machine?.stop());
beforeEach(async () => {
  stack = await Stack.start();
});
afterEach(() => stack?.stop());

async function comesAndGoes(program: Program): Promise<void> {
  await stack.want(program);
  const up = await stack.up();
  expect(up.code, `${up.output}\n${await machine.log()}`).toBe(0);
  const destroy = await stack.destroy();
  expect(destroy.code, destroy.output).toBe(0);
  expect(await machine.docker.listContainers({ all: true })).toEqual([]);
}

test("through a jump host", async () => {
  const { address, port, user, hostKeys, privateKeyFile } = machine.connection();
  // A name of its own for the far end, so that the two pins cannot stand in for one another.
  await comesAndGoes(
    programFor({ address: "localhost", jump: { address, port, user, hostKeys, privateKeyFile } }),
  );
});

test("with the key in an agent only", async () => {
  const agent = await agentWith(join(machine.folder, "user_key"));
  stack.env.SSH_AUTH_SOCK = agent.socket;
  try {
    await comesAndGoes(programFor({ privateKeyFile: undefined }));
  } finally {
    agent.stop();
  }
});

test("a host key that is not the pinned one is refused, and nothing is made", async () => {
  await stack.want(programFor({ hostKeys: [makeKey().public] }));
  const up = await stack.up();
  expect(up.code, up.output).not.toBe(0);
  expect(up.output).toMatch(/host key|key.*(pinned|known_hosts)/i);
  expect(await machine.docker.listContainers({ all: true })).toEqual([]);
});

test("a jump host's key that is not the pinned one is refused", async () => {
  const { address, port, user, privateKeyFile } = machine.connection();
  const jump = { address, port, user, hostKeys: [makeKey().public], privateKeyFile };
  await stack.want(programFor({ address: "localhost", jump }));
  const up = await stack.up();
  expect(up.code, up.output).not.toBe(0);
  expect(await machine.docker.listContainers({ all: true })).toEqual([]);
});

test("a preview works while the host is down; up fails and names it, and works once it is back", async () => {
  await machine.halt();
  try {
    await stack.want(programFor());
    const preview = await stack.preview();
    expect(preview.code, preview.output).toBe(0);
    expect(preview.output).toContain("+ 5 to create");
    const up = await stack.up();
    expect(up.code, up.output).not.toBe(0);
    expect(up.output).toContain("127.0.0.1");
  } finally {
    await machine.boot();
  }
  await comesAndGoes(programFor());
});
