import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Mapping } from "../../config/merge.ts";
import { deploy } from "../../stacks/index.ts";
import { configOf, hostKey, sample } from "../config/sample.ts";
import { type Registered, register } from "./mocked.ts";

const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const canary = "canary-4b1d-canary-4b1d-canary-4b1d";
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-components-"));
  writeFileSync(join(folder, "model.safetensors"), "weights");
  process.env.RACKSMITH_STATE = join(folder, "state");
  process.env.RACKSMITH_CACHE = join(folder, "cache");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function stack(): Mapping & { hosts: Mapping[] } {
  const raw = sample();
  raw.weights = { name: "qwen", version: "1", source: { kind: "directory", directory: folder } };
  return raw;
}

async function run(raw: Mapping): Promise<{ made: Registered[]; outputs: unknown }> {
  let outputs: unknown;
  const made = await register(async () => {
    outputs = await deploy(configOf(raw), "test");
  });
  return { made, outputs };
}

const only = (made: readonly Registered[], type: string) =>
  made.filter((one) => one.type.endsWith(`:${type}`));

test("each part begins only when the one before it is done", async () => {
  const raw = stack();
  raw.hooks = {
    preDeploy: [{ where: "workstation", run: "echo before" }],
    postDeploy: [{ where: "node", run: "echo after" }],
  };
  const { made } = await run(raw);
  const steps = made
    .filter(({ type }) => /^(racksmith:index|command)/.test(type))
    .map(({ type }) => type.split(":").at(-1) ?? "");
  expect(steps.filter((step) => step !== "Files")).toEqual([
    "Command",
    "Host",
    "Baseline",
    "Driver",
    "Raid",
    "Vault",
    "Weights",
    "Docker",
    "Inference",
    "Access",
    "Command",
  ]);
  const at = (wanted: string) =>
    made.findIndex(({ type, name }) => type.endsWith(wanted) && name.startsWith("gpu-1"));
  expect(at(":Inference")).toBeGreaterThan(at(":RemoteImage"));
  expect(at("container:Container")).toBeGreaterThan(
    made.findLastIndex(({ type }) => type.endsWith(":Files")),
  );
});

test("two hosts share no step", async () => {
  const raw = stack();
  raw.hosts.push({
    name: "gpu-2",
    address: "192.0.2.11",
    hostKeys: [hostKey],
    raid: { members: ["b1", "b2"] },
  });
  const { made, outputs } = await run(raw);
  const hosts = only(made, "Host").map(({ name }) => name);
  const first = made.findIndex(({ type }) => type.endsWith(":Baseline"));
  expect(hosts).toEqual(["gpu-1", "gpu-2"]);
  expect(made.findLastIndex(({ type }) => type.endsWith(":Host"))).toBeLessThan(first + 2);
  expect(Object.keys(outputs as object)).toEqual(["gpu-1", "gpu-2"]);
  expect(only(made, "docker").map(({ inputs }) => inputs.host)).toEqual([
    "ssh://root@192.0.2.10:22",
    "ssh://root@192.0.2.11:22",
  ]);
});

test("outputs say where it answers, what it serves, where its metrics are and what stays", async () => {
  const { outputs } = await run(stack());
  expect(outputs).toMatchObject({
    "gpu-1": {
      endpoint: "http://192.0.2.10:8000/v1",
      model: "qwen",
      metricsUrl: "http://127.0.0.1:9090",
      keptOnDestroy: expect.arrayContaining([
        "the array /dev/md/racksmith",
        "the encrypted volume racksmith-vault",
      ]),
    },
  });
});

test("preflight gets the disks and ports that will be used", async () => {
  const { made } = await run(stack());
  expect(only(made, "Host")[0]?.inputs).toMatchObject({
    disks: ["S6A1", "S6A2"],
    arrays: ["racksmith"],
    ports: [18_000, 8000, 18_001, 9090, 9093, 9100, 9400],
  });
});

test("a host that is meant to have no GPU gets no driver; one without monitoring no containers", async () => {
  const raw = stack();
  raw.inference = {
    ...(raw.inference as object),
    settings: { engine: "llamacpp" },
    gpus: [],
    modelPath: "m.gguf",
  };
  raw.host = { gpus: { count: 0 } };
  raw.monitoring = { enabled: false };
  const { made } = await run(raw);
  expect(only(made, "Driver")).toEqual([]);
  expect(only(made, "Container")).toEqual([]);
  expect(only(made, "Docker")[0]?.inputs).toMatchObject({ gpu: false });
});

test("no GPU, no GPU exporter", async () => {
  const raw = stack();
  raw.host = { gpus: { count: 0 } };
  raw.inference = { ...(raw.inference as object), settings: { engine: "llamacpp" }, gpus: [] };
  const named = only((await run(raw)).made, "Container").map(({ inputs }) => inputs.name);
  expect(named).toEqual(["racksmith-prometheus", "racksmith-alertmanager", "racksmith-node-exporter"]);
});

test("the firewall lets the gateway through, unless a rule of the user's own says from where", async () => {
  const raw = stack();
  raw.baseline = { firewall: { enabled: true } };
  const open = only((await run(raw)).made, "Baseline")[0]?.inputs.firewall;
  expect(open).toMatchObject({ allow: [{ port: 8000, from: [] }] });
  raw.baseline = { firewall: { enabled: true, allow: [{ port: 8000, from: ["10.0.0.0/8"] }] } };
  const narrow = only((await run(raw)).made, "Baseline")[0]?.inputs.firewall;
  expect(narrow).toMatchObject({ allow: [{ port: 8000, from: ["10.0.0.0/8"] }] });
});

describe("secrets", () => {
  test("reach the engine only as secrets, whatever carries them", async () => {
    const raw = stack();
    raw.hosts[0] = { ...raw.hosts[0], privateKey: canary };
    raw.vault = { key: canary };
    raw.inference = { servedName: "qwen", apiKeys: { app: canary } };
    raw.monitoring = { receivers: [{ kind: "webhook", url: `https://alerts.example/${canary}` }] };
    raw.files = [{ path: "/etc/app.conf", secretContent: canary }];
    const hook = { run: "true", environment: { TOKEN: canary } };
    raw.hooks = { preDeploy: [{ where: "workstation", ...hook }], postDeploy: [{ where: "node", ...hook }] };
    const { made, outputs } = await run(raw);
    const carriers = made.filter(({ inputs }) => JSON.stringify(inputs).includes(canary));
    expect(carriers.length).toBeGreaterThan(8);
    for (const one of made)
      expect(JSON.stringify(withoutSecrets(one.inputs)), one.name).not.toContain(canary);
    expect(JSON.stringify(outputs)).not.toContain(canary);
  });

  test("a private key given as text is a file of 0600 for ssh, in a folder of 0700", async () => {
    const raw = stack();
    raw.hosts[0] = { ...raw.hosts[0], privateKey: "-----BEGIN KEY-----", user: "deploy", port: 2222 };
    const { made } = await run(raw);
    const options = String(only(made, "docker")[0]?.inputs.sshOpts);
    const key = join(folder, "state/ssh/gpu-1.key");
    expect(options).toContain(key);
    expect(options).not.toContain("BEGIN");
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "state/ssh")).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(folder, "state/ssh/gpu-1.known_hosts"), "utf8")).toBe(
      `[192.0.2.10]:2222 ${hostKey}\n`,
    );
    expect(only(made, "Docker")[0]?.inputs.users).toEqual(["deploy"]);
  });
});

/** The same with every secret cut out, as the state keeps it in the clear. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  if (Object.values(value).includes(SECRET)) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutSecrets(part)]));
}
