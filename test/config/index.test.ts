import { describe, expect, test } from "vitest";
import { ConfigError, formatProblem } from "../../config/index.ts";
import { Secret } from "../../config/secret.ts";
import { configOf, digest, firstHost, hostKey, problemsOf, sample, sampleWith } from "./sample.ts";

const at = (path: string) => expect.objectContaining({ path });

describe("a right stack", () => {
  test("gets the tier's defaults under the user's values", () => {
    const node = firstHost(sample());
    expect(node).toMatchObject({
      tier: "entry-4090",
      connection: { name: "gpu-1", user: "root", port: 22 },
      host: { memoryGiB: 64, gpus: { model: "RTX 4090", count: 1, vramGiB: 24 } },
      raid: { level: 1, members: ["S6A1", "S6A2"] },
      inference: { settings: { engine: "vllm", tensorParallel: 1, gpuMemoryUtilization: 0.82 } },
    });
    expect(node.inference.image).toMatch(/^vllm\/vllm-openai:v[0-9.]+@sha256:[0-9a-f]{64}$/);
  });

  test("a host's own value wins over the stack's, and the stack's over the tier's", () => {
    const raw = sample();
    raw.host = { memoryGiB: 32 };
    raw.monitoring = { retention: "7d" };
    raw.hosts.push({
      name: "gpu-2",
      address: "192.0.2.11",
      hostKeys: [hostKey],
      raid: { members: ["S6B1", "S6B2"] },
      host: { memoryGiB: 16 },
    });
    const [one, two] = configOf(raw).hosts;
    expect([one?.host.memoryGiB, two?.host.memoryGiB]).toEqual([32, 16]);
    expect(two).toMatchObject({ raid: { members: ["S6B1", "S6B2"] }, monitoring: { retention: "7d" } });
  });

  test("a host may be of another tier", () => {
    const raw = sample();
    raw.hosts[0] = { ...raw.hosts[0], tier: "a100-pair", raid: { members: ["1a", "1b", "1c", "1d"] } };
    expect(firstHost(raw)).toMatchObject({
      tier: "a100-pair",
      raid: { level: 10 },
      inference: { settings: { tensorParallel: 2 } },
    });
  });

  test("naming the other engine brings its settings and its image", () => {
    const node = firstHost(sampleWith("inference/settings", { engine: "llamacpp", contextTokens: 2048 }));
    expect(node.inference.settings).toMatchObject({
      engine: "llamacpp",
      contextTokens: 2048,
      gpuLayers: 999,
    });
    expect(node.inference.image).toContain("llama.cpp");
  });

  test("secrets are Secrets and print as such", () => {
    const node = firstHost(sample());
    expect(node.vault.key).toBeInstanceOf(Secret);
    expect(JSON.stringify(node)).not.toContain("battery");
    expect(JSON.stringify(node)).not.toContain("kkkk");
  });

  test("no array is made where a device is named and no array is asked for", () => {
    const raw = sample();
    delete raw.hosts[0]?.raid;
    raw.vault = { key: "correct horse battery staple", device: "/dev/nvme1n1" };
    expect(firstHost(raw).raid).toBeUndefined();
  });

  test("parsing neither changes its argument nor depends on the order of keys", () => {
    const raw = sample();
    const before = JSON.stringify(raw);
    const turned = Object.fromEntries(Object.entries(raw).toReversed());
    expect(JSON.stringify(configOf(turned))).toBe(JSON.stringify(configOf(raw)));
    expect(JSON.stringify(raw)).toBe(before);
  });
});

describe("problems", () => {
  test("come all at once, with the path first", () => {
    const raw = sample();
    raw.tier = "entry-4080";
    raw.hots = [];
    raw.hosts[0] = { name: "A B", adress: "x", raid: { members: ["one"], levle: 1 } };
    raw.vault = { key: "correct horse battery staple", unlock: "never" };
    const problems = problemsOf(raw);
    expect(problems.map(({ path }) => path).toSorted()).toEqual([
      "hosts/0/address",
      "hosts/0/adress",
      "hosts/0/hostKeys",
      "hosts/0/name",
      "hosts/0/raid/levle",
      "hosts/0/raid/members",
      "hots",
      "tier",
      "vault/unlock",
    ]);
    const text = new ConfigError(problems, "stack prod").message;
    expect(text).toContain("9 problem(s) in the configuration of stack prod:");
    expect(text).toContain('  tier: found "entry-4080", allowed entry-4090, a100-pair, h100-8');
    expect(text).toContain("hosts/0/adress: is not a key that racksmith knows; did you mean address?");
  });

  test.each([
    ["tier", undefined, "is missing"],
    ["hosts", undefined, "is missing"],
    ["hosts", [], "an empty list"],
    ["hosts", "gpu-1", '"gpu-1"'],
    ["hosts/0", "gpu-1", '"gpu-1"'],
    ["hosts/0/port", 70_000, "70000"],
    ["hosts/0/port", "22", '"22"'],
    ["hosts/0/hostKeys", [], "an empty list"],
    ["hosts/0/tier", "h200", '"h200"'],
    ["raid", "S1", '"S1"'],
    ["vault/unlock", "tang", '"tang"'],
    ["weights/source", { kind: "ftp" }, '"ftp"'],
    ["inference/image", "vllm/vllm-openai:latest", "skopeo inspect"],
    ["inference/servedName", undefined, "is missing"],
    ["inference/apiKeys", {}, "at least one key"],
    ["monitoring/retention", "forever", '"forever"'],
    ["monitoring/images/grafana", "grafana/grafana:12", "@sha256:"],
    ["monitoring/listenAddress", "localhost", '"localhost"'],
    ["hooks/preDeploy", [{ where: "moon", run: "true" }], '"moon"'],
  ])("%s = %j", (path, value, found) => {
    const problems = problemsOf(sampleWith(path, value));
    const hit = problems.filter((problem) => problem.path.startsWith(path) || path.startsWith(problem.path));
    expect(hit.map(formatProblem).join("\n")).toContain(found);
  });

  test("are told where they were written: in the host's entry or in the shared section", () => {
    const raw = sample();
    raw.host = { memoryGiB: -1 };
    raw.hosts.push({
      name: "gpu-2",
      address: "192.0.2.11",
      hostKeys: [hostKey],
      raid: { members: ["a", "b"], level: 5 },
    });
    const paths = problemsOf(raw).map(({ path }) => path);
    expect(paths.filter((path) => path === "host/memoryGiB")).toHaveLength(1);
    expect(paths).toContain("hosts/1/raid/level");
  });

  test("an unknown key deep inside is offered its nearest neighbour", () => {
    const [problem] = problemsOf(sampleWith("monitoring/ports/prometeus", 1));
    expect(problem).toMatchObject({
      path: "monitoring/ports/prometeus",
      problem: expect.stringContaining("did you mean prometheus?"),
    });
  });

  test("never show a secret", () => {
    const canary = "canary value 7f";
    for (const [path, value] of [
      ["inference/apiKeys", { app: canary }],
      ["inference/apiKeys", canary],
      ["vault/key", { nested: canary }],
      ["vault/key", [canary]],
      ["hosts/0/privateKey", 7],
      ["monitoring/receivers", [{ kind: "webhook", url: [canary] }]],
      ["hooks/preDeploy", [{ where: "node", run: "true", environment: { TOKEN: [canary] } }]],
    ] as const) {
      const problems = problemsOf(sampleWith(path, value));
      expect(problems.length, path).toBeGreaterThan(0);
      expect(JSON.stringify(problems), path).not.toContain(canary);
    }
  });
});

describe("rules that span fields", () => {
  const twoHosts = (second: object) => {
    const raw = sample();
    raw.hosts.push({
      name: "gpu-2",
      address: "192.0.2.11",
      hostKeys: [hostKey],
      raid: { members: ["a", "b"] },
      ...second,
    });
    return problemsOf(raw);
  };

  test("two hosts of one name", () => {
    expect(twoHosts({ name: "gpu-1" })).toContainEqual(at("hosts/1/name"));
  });

  test("two hosts at one address and port; another port is another host", () => {
    expect(twoHosts({ address: "192.0.2.10" })).toContainEqual(at("hosts/1/address"));
    expect(twoHosts({ address: "192.0.2.10", port: 2222 })).toEqual([]);
  });

  test("what the ssh binary cannot do for containers", () => {
    const jump = { address: "192.0.2.1", hostKeys: [hostKey] };
    expect(problemsOf(sampleWith("hosts/0/jump", jump))).toEqual([]);
    expect(problemsOf(sampleWith("hosts/0/jump", [jump, jump]))).toContainEqual(at("hosts/0/jump"));
    expect(problemsOf(sampleWith("hosts/0/passphrase", "x"))).toContainEqual(at("hosts/0/passphrase"));
    expect(problemsOf(sampleWith("hosts/0/privateKeyFile", "/my keys/id"))).toContainEqual(
      at("hosts/0/privateKeyFile"),
    );
    expect(problemsOf(sampleWith("hosts/0/address", "-oProxyCommand"))).toContainEqual(at("hosts/0/address"));
    expect(problemsOf(sampleWith("hosts/0/address", "fe80::1%eth0"))).toEqual([]);
  });

  test("a port given twice on one host", () => {
    expect(problemsOf(sampleWith("monitoring/ports/prometheus", 9100))).toContainEqual(
      at("monitoring/ports/node"),
    );
    expect(problemsOf(sampleWith("inference/gateway/port", 9090)).length).toBe(1);
    expect(problemsOf(sampleWith("inference/gateway/port", 22)).length).toBe(1);
    expect(problemsOf(sampleWith("monitoring/ports/prometheus", 18_000)).length).toBe(1);
  });

  test("an array with the wrong number of disks, or a disk named twice", () => {
    expect(problemsOf(sampleWith("raid/level", 10)).length).toBe(0);
    expect(problemsOf(sampleWith("hosts/0/raid", { level: 10, members: ["a", "b", "c"] }))).toContainEqual(
      at("hosts/0/raid/members"),
    );
    expect(problemsOf(sampleWith("hosts/0/raid", { members: ["a", "a"] }))).toContainEqual(
      at("hosts/0/raid/members"),
    );
  });

  test("a vault without a key, with a short one, or without anything to lie on", () => {
    expect(problemsOf(sampleWith("vault/key", undefined))).toContainEqual(at("vault/key"));
    expect(problemsOf(sampleWith("vault/key", "short"))).toContainEqual(at("vault/key"));
    expect(problemsOf(sampleWith("hosts/0/raid", undefined))).toContainEqual(at("raid/members"));
  });

  test("more tensor-parallel ranks than GPUs", () => {
    const problems = problemsOf(sampleWith("inference/settings/tensorParallel", 2));
    expect(problems).toContainEqual(at("inference/settings/tensorParallel"));
  });

  test("Grafana without a password", () => {
    const image = `grafana/grafana:12@${digest}`;
    expect(problemsOf(sampleWith("monitoring/images/grafana", image))).toContainEqual(
      at("monitoring/grafanaPassword"),
    );
  });

  test("a robot with an Alertmanager that cannot write its body", () => {
    const raw = sampleWith("monitoring/receivers", [{ kind: "feishu", url: "https://robot.example/x" }]);
    expect(problemsOf(raw)).toEqual([]);
    raw.monitoring = {
      ...(raw.monitoring as object),
      images: { alertmanager: `prom/alertmanager:v0.28.1@${digest}` },
    };
    expect(problemsOf(raw)).toContainEqual(at("monitoring/receivers/0/kind"));
  });
});
