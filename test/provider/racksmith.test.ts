import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { closed } from "../../provider/any-noun.ts";
import { toWire, type WireObject } from "../../provider/server/codec.ts";
import { Connections } from "../../provider/server/connections.ts";
import type { ResourceRequest } from "../../provider/server/handlers.ts";
import { InitFailed } from "../../provider/server/init-failed.ts";
import { racksmith } from "../../provider/server/racksmith.ts";
import { makeKey, SshServer } from "../support/ssh-server.ts";
import { toy } from "../support/toy/noun.ts";
import { fixture } from "./host-fixture.ts";

let server: SshServer;
beforeEach(async () => {
  server = await SshServer.start();
});
afterEach(() => server.stop());

const request: ResourceRequest = {
  urn: "urn:pulumi:test::toys::racksmith:index:Toy::a",
  type: "racksmith:index:Toy",
  name: "a",
  preview: false,
  signal: new AbortController().signal,
};

function inputs(toys: Record<string, unknown>, connection = server.connectionInput()): WireObject {
  const given = { name: "a", text: "one", slow: 0, broken: "", tags: [], ...toys, connection };
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, toWire(value)]));
}

/** The provider as the engine calls it; `warnings` and `statuses` are what a person sees. */
async function provider(noun = toy, reattachMs = 1_000, connections = new Connections(undefined)) {
  const { pool, redactor, stopping } = await fixture(server, reattachMs);
  const warnings: string[] = [];
  const statuses: string[] = [];
  const handlers = racksmith({
    version: "0.0.0",
    nouns: [closed(noun)],
    pool,
    redactor,
    log: {
      log: (severity, message) => {
        if (severity === "warning") warnings.push(message);
      },
      status: (message) => {
        statuses.push(message);
      },
    },
    stop: () => stopping.abort(new Error("cancelled")),
    connections,
  });
  return { handlers, pool, warnings, statuses, stopping };
}

const thrown = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "nothing was thrown",
    (error: unknown) => error,
  );

describe("a refresh, which goes by what was recorded", () => {
  test.each<[string, () => Promise<unknown>]>([
    ["reinstalled", () => server.reinstall()],
    ["its key rotated", async () => Object.assign(server, { userKey: makeKey() })],
    ["gone", () => server.proxy.refuse()],
    ["without sudo now", async () => Object.assign(server.env, { FAKE_SUDO: "denied" })],
  ])(
    "%s: the facts stay, it warns, and the diff of the program decides",
    async (_, happens) => {
      const recorded = inputs({}, server.connectionInput({ user: "ops" }));
      await happens();
      const { handlers, pool, warnings } = await provider();
      const state = { ...recorded, facts: toWire({ present: true, text: "one" }) };
      expect(await handlers.read(request, "id", state, recorded)).toMatchObject({ outputs: state });
      expect(warnings).toEqual([expect.stringContaining("the last known facts are kept")]);
      expect(await handlers.diff(request, "id", state, recorded, recorded)).toEqual({ detailed: {} });
      await expect(handlers.diff(request, "id", state, recorded, recorded)).rejects.toThrow(/^toy-host: /);
      await pool.end();
    },
    30_000,
  );

  test("a refusal of what was asked for last does not keep the next program out", async () => {
    const { handlers, pool, warnings } = await provider();
    const recorded = inputs({ text: "forbidden" });
    await handlers.read(request, "id", recorded, recorded);
    expect(await handlers.diff(request, "id", recorded, recorded, recorded)).toEqual({ detailed: {} });
    expect(warnings).toEqual([expect.stringContaining("wanted another text")]);
    await expect(handlers.diff(request, "id", recorded, recorded, recorded)).rejects.toThrow("choose one");
    const mended = await handlers.diff(request, "id", recorded, inputs({ text: "two" }), recorded);
    expect(mended.detailed).toEqual({ text: "update" });
    await pool.end();
  });
});

test.each<[string, (pin: object) => string | undefined, boolean]>([
  ["the host as it is now", (pin) => JSON.stringify([{ name: "another" }, { ...pin, inference: {} }]), true],
  ["another host", (pin) => JSON.stringify([{ ...pin, name: "another" }]), false],
  ["no list", () => "none", false],
  ["nothing", () => undefined, false],
])("a delete without a program, where the configuration has %s", async (_, hosts, works) => {
  const made = await provider();
  const recorded = inputs({});
  await made.handlers.create(request, recorded);
  await made.pool.end();
  await server.reinstall();
  const config = JSON.stringify({ hosts: hosts(server.connectionInput()), tier: "entry-4090" });
  const { handlers, pool } = await provider(toy, 1_000, new Connections(config));
  const deleted = thrown(handlers.delete(request, "id", recorded, recorded));
  if (works) expect(await deleted).toBe("nothing was thrown");
  else expect(await deleted).toMatchObject({ message: expect.stringContaining("not the pinned one") });
  await pool.end();
});

describe("a create that dies", () => {
  test("before its act: nothing is recorded", async () => {
    const { handlers, pool } = await provider();
    const refused = await thrown(handlers.create(request, inputs({ text: "forbidden" })));
    expect(refused).toMatchObject({ message: expect.stringContaining("refused, nothing was touched") });
    expect(refused).not.toBeInstanceOf(InitFailed);
    server.env.FAKE_SUDO = "denied";
    expect(await thrown(handlers.create(request, inputs({ text: "two" })))).not.toBeInstanceOf(InitFailed);
    await pool.end();
  });

  test("in its act, and the host does not come back: recorded", async () => {
    const { handlers, pool, statuses } = await provider();
    const creating = thrown(handlers.create(request, inputs({ slow: 15 })));
    while (!statuses.includes("tenth 2 of 15")) await sleep(20);
    await server.proxy.refuse();
    expect(await creating).toBeInstanceOf(InitFailed);
    await pool.end();
  }, 30_000);

  test("by a refusal after its act: recorded, and it does not say that nothing was touched", async () => {
    const spoiling = {
      ...toy,
      refuse: (_: unknown, facts: { text: string }) =>
        facts.text === "one" ? [{ path: "text", found: "one", wanted: "none", remedy: "move it" }] : [],
    };
    const { handlers, pool } = await provider(spoiling);
    const error = await thrown(handlers.create(request, inputs({})));
    expect(error).toBeInstanceOf(InitFailed);
    expect(String(error)).toContain("refused, after its act had run");
    await pool.end();
  });

  test("by Ctrl-C while the host restarts: recorded, with the host's name and what to do", async () => {
    const { handlers, pool, stopping, statuses } = await provider();
    const creating = thrown(handlers.create(request, inputs({ broken: "reboot" })));
    while (!statuses.some((text) => text.startsWith("waiting for the host to come back"))) await sleep(20);
    stopping.abort(new Error("cancelled"));
    const error = await creating;
    expect(error).toBeInstanceOf(InitFailed);
    expect(String(error)).toMatch(/toy-host: rebooting: cancelled while it waited for the host/);
    await pool.end();
  });
});
