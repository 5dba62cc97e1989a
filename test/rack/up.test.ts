import { beforeAll, describe, expect, it } from "vitest";
import { ask } from "./support/endpoint.ts";
import { leaveClean, type Provisioned, provisioned } from "./support/provisioned.ts";
import { clock, sessionsSince } from "./support/sessions.ts";

let node: Provisioned;
const root = (command: string) => node.shell(`sudo sh -c ${quoted(command)}`);
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

beforeAll(async () => {
  node = await provisioned();
});

describe("./racksmith up on a bare node", () => {
  it("ends with the endpoint and a completion that came from it", () => {
    expect(node.firstRun.output).toMatch(/http:\/\/\S+:8000\/v1/);
    expect(node.firstRun.output).toMatch(/answered\S*\s+"/);
  });

  it("answers a chat completion with the key", async () => {
    const { status, body } = await node.chat();
    expect(status).toBe(200);
    expect(JSON.parse(body).choices[0].message.content).toEqual(expect.any(String));
    expect(JSON.parse(body).usage.completion_tokens).toBeGreaterThan(0);
  });

  it("answers 401 without the key and with a wrong one", async () => {
    expect((await node.chat("")).status).toBe(401);
    expect((await node.chat(`${node.apiKey}x`)).status).toBe(401);
  });

  it("answers 404 on routes that are not the API's", async () => {
    for (const route of ["/", "/metrics", "/slots", "/v1/../metrics"]) {
      const { status } = await ask(new URL(route, node.endpoint).href, node.apiKey);
      expect({ route, status }).toEqual({ route, status: 404 });
    }
  });

  it("encrypts the weights with sm4-xts", async () => {
    const status = await root("cryptsetup status racksmith-vault");
    expect(status).toMatch(/cipher:\s+sm4-xts-plain64/);
    expect(status).toMatch(/device:\s+\/dev\/md/);
    expect(await root("findmnt -no SOURCE /srv/racksmith/vault")).toMatch(
      /^\/dev\/mapper\/racksmith-vault\s*$/,
    );
  });

  it("mirrors them over both disks", async () => {
    const detail = await root("mdadm --detail /dev/md/racksmith");
    expect(detail).toMatch(/Raid Level : raid1/);
    expect(detail.match(/active sync/g)).toHaveLength(2);
  });

  it("holds the driver and Docker at their versions", async () => {
    const held = await root("dpkg --get-selections | grep -w hold");
    for (const name of ["nvidia-smi", "nvidia-kernel-open-dkms", "cuda-toolkit-13-0", "docker.io"])
      expect(held).toContain(name);
  });

  it("runs the engine and the monitoring containers", async () => {
    const names = (await root("docker ps --format '{{.Names}}'")).trim().split("\n").sort();
    expect(names).toEqual([
      "racksmith-alertmanager",
      "racksmith-gpu-exporter",
      "racksmith-inference-main",
      "racksmith-node-exporter",
      "racksmith-prometheus",
    ]);
  });

  it("says SIMULATED where the GPU might be taken for a real one", async () => {
    expect(await root("nvidia-smi")).toContain("SIMULATED");
  });

  it("shows neither key in any argument or container of the node", async () => {
    const seen = await root(
      "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'; docker inspect $(docker ps -aq); journalctl --no-pager",
    );
    expect(seen).not.toContain(node.apiKey);
    expect(node.firstRun.output).not.toContain(node.apiKey);
  });
});

describe("the second up", () => {
  it("changes nothing, on one connection of the provider with at most three channels", async () => {
    const since = await clock(node);
    const { code, output, seconds } = await node.racksmith("up");
    expect(code, output).toBe(0);
    expect(output).toMatch(/Resources:\s+\d+ unchanged\s*\n\s*\n/);
    const own = (await sessionsSince(node, since)).filter(({ provider }) => provider);
    expect(own).toHaveLength(1);
    expect(own[0]?.channels).toBeLessThanOrEqual(3);
    process.stderr.write(
      `  second up: ${seconds.toFixed(1)} s, ${own[0]?.channels} channel(s) of the provider\n`,
    );
  });

  it("previews no change, on one connection too", async () => {
    const since = await clock(node);
    const { code, output } = await node.racksmith("preview", ["--expect-no-changes"]);
    expect(code, output).toBe(0);
    const own = (await sessionsSince(node, since)).filter(({ provider }) => provider);
    expect(own).toHaveLength(1);
    expect(own[0]?.channels).toBeLessThanOrEqual(3);
    leaveClean();
  });
});
