import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { containerSpec } from "../../provider/resources/inference/container.ts";
import { gatewayConfig, keysMap } from "../../provider/resources/inference/gateway.ts";
import { engineUnitFile, gatewayUnitFile, mountUnit } from "../../provider/resources/inference/units.ts";
import { inference } from "../../provider/resources/inference.ts";
import { bare, key, llamacpp, parse, vllm } from "./inference-fixtures.ts";

const argv = (given: Parameters<typeof parse>[0]) => {
  const spec = containerSpec(parse(given));
  return [...spec.dockerArgs, spec.image, ...spec.engineArgs].join("\n");
};
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** What observe finds right after an apply that worked. */
function inSync(given: Parameters<typeof parse>[0]) {
  const wanted = parse(given);
  const spec = containerSpec(wanted);
  return {
    ...bare,
    dockerVersion: "26.1.5+dfsg1",
    container: "running",
    image: spec.image,
    engineArgs: spec.engineArgs,
    spec: spec.hash,
    weightsVersion: "v1",
    weightsMounted: "/srv/racksmith/vault/weights/versions/v1",
    weightsWanted: "/srv/racksmith/vault/weights/versions/v1",
    unitSha256: sha256(engineUnitFile(wanted.name, wanted.vaultMount, wanted.drainSeconds)),
    unitEnabled: true,
    unitActive: true,
    gatewayConfigSha256: sha256(gatewayConfig(wanted.gateway)),
    gatewayKeysSha256: sha256(keysMap(wanted.apiKeys)),
    gatewayKeysMode: "600 root:root",
    gatewayUnitSha256: sha256(gatewayUnitFile()),
    gatewayEnabled: true,
    gatewayActive: true,
    gatewayOwner: "main",
    distributionHaproxyMasked: true,
    healthy: true,
    healthDetail: "",
  };
}

describe("the container's argv", () => {
  it("llama.cpp on the CPU", () => expect(argv(llamacpp)).toMatchFileSnapshot("goldens/llamacpp-cpu.argv"));
  it("entry-4090: vLLM, one card, AWQ", () =>
    expect(argv(vllm(1, { quantization: "awq_marlin", maxModelLenTokens: 8192 }))).toMatchFileSnapshot(
      "goldens/vllm-entry-4090.argv",
    ));
  it("a100-pair: tensor parallel 2", () =>
    expect(argv(vllm(2, { gpuMemoryUtilization: 0.8 }))).toMatchFileSnapshot("goldens/vllm-a100-pair.argv"));
  it("h100-8: tensor parallel 8, fp8", () =>
    expect(argv(vllm(8, { quantization: "fp8", maxSequences: 256, version: "0.22.1" }))).toMatchFileSnapshot(
      "goldens/vllm-h100-8.argv",
    ));

  it("is hardened for every engine", () => {
    for (const given of [llamacpp, vllm(8)]) {
      const { dockerArgs } = containerSpec(parse(given));
      expect(dockerArgs).toEqual(
        expect.arrayContaining(["--read-only", "ALL", "no-new-privileges:true", "2000:2000"]),
      );
      expect(dockerArgs).not.toContain("--privileged");
      expect(dockerArgs.join(" ")).not.toMatch(/docker\.sock|--network host|--ipc host|--pid /);
      expect(dockerArgs.filter((arg) => arg.includes(":18000:"))).toEqual(["127.0.0.1:18000:8000/tcp"]);
    }
    expect(argv(vllm(1))).not.toContain("trust-remote-code");
  });

  it("holds no API key, and neither does what observe gets", () => {
    expect(argv(llamacpp)).not.toContain(key);
    expect(JSON.stringify(inference.forObserve(parse(llamacpp)))).not.toContain(key);
    expect(JSON.stringify(inference.forAct(parse(llamacpp), bare))).not.toContain(key);
  });

  it("gets another hash for other weights, and the same for other keys", () => {
    const hash = (given: Parameters<typeof parse>[0]) => containerSpec(parse(given)).hash;
    expect(hash({ ...llamacpp, weightsVersion: "v2" })).not.toBe(hash(llamacpp));
    expect(hash({ ...llamacpp, apiKeys: { other: key } })).toBe(hash(llamacpp));
  });
});

describe("units", () => {
  it("of the engine and the gateway", () => {
    expect(engineUnitFile("main", "/srv/racksmith/vault", 300)).toMatchSnapshot();
    expect(gatewayUnitFile()).toMatchSnapshot();
  });
  it("name mounts as systemd does", () => {
    expect(mountUnit("/srv/racksmith/vault")).toBe("srv-racksmith-vault.mount");
    expect(mountUnit("/srv/my-vault")).toBe("srv-my\\x2dvault.mount");
  });
});

describe("compare", () => {
  const changes = (facts: Partial<ReturnType<typeof inSync>>, given = llamacpp) =>
    inference.compare(parse(given), { ...inSync(llamacpp), ...facts });
  const paths = (...args: Parameters<typeof changes>) => changes(...args).map((change) => change.path);

  it("finds nothing right after an apply", () => expect(changes({})).toEqual([]));
  it.each([
    ["container", { container: "exited" }],
    ["image", { image: "other" }],
    ["settings", { engineArgs: ["--model", "/weights/other.gguf"] }],
    ["container.spec", { spec: "other" }],
    ["weightsPath", { weightsMounted: "/srv/racksmith/vault/weights/versions/v0" }],
    ["swap", { swapUnfinished: true }],
    ["unit", { unitSha256: "" }],
    ["unit.enabled", { unitEnabled: false }],
    ["unit.active", { unitActive: false }],
    ["gateway", { gatewayConfigSha256: "x" }],
    ["gateway", { gatewayReloadDue: true }],
    ["gateway", { gatewayConfigSha256: "x", gatewayReloadDue: true }],
    ["gateway.unit", { gatewayUnitSha256: "x" }],
    ["gateway.keysMode", { gatewayKeysMode: "644 root:root" }],
    ["gateway.enabled", { gatewayEnabled: false }],
    ["gateway.active", { gatewayActive: false }],
    ["gateway.distributionHaproxyMasked", { distributionHaproxyMasked: false }],
    ["healthy", { healthy: false, healthDetail: "HTTP 503" }],
  ])("names the drift %s and nothing else", (path, facts) => expect(paths(facts)).toEqual([path]));

  it("a busy engine is no drift; one that only loads is named, and that it is waited for", () => {
    expect(changes({ healthy: false, busy: true, healthDetail: "no token within 15 s" })).toEqual([]);
    expect(changes({ healthy: false, healthDetail: "HTTP 503" })[0]?.why).toContain("waited for first");
  });
  it("names new weights, new keys and a new port by their inputs", () => {
    expect(paths({}, { ...llamacpp, weightsVersion: "v2" })).toEqual(["weightsVersion"]);
    expect(paths({}, { ...llamacpp, apiKeys: { team: `${key}x` } })).toEqual(["apiKeys"]);
    expect(paths({}, { ...llamacpp, gateway: { port: 9000 } })).toEqual(["gateway"]);
    expect(JSON.stringify(changes({}, { ...llamacpp, apiKeys: { team: `${key}x` } }))).not.toContain(key);
  });
  it("restarts the container for other weights and only reloads for other keys", () => {
    expect(changes({}, { ...llamacpp, weightsVersion: "v2" })[0]?.disruption).toBe("container restart");
    expect(changes({}, { ...llamacpp, apiKeys: { team: `${key}x` } })[0]?.disruption).toBe("reload");
  });
  it("disturbs nobody where nothing runs yet", () => {
    const found = inference.compare(parse(llamacpp), bare).find((change) => change.path === "container");
    expect(found).toMatchObject({ found: "missing", disruption: "none" });
  });
});

describe("refuse", () => {
  it("a port in use, another server's gateway, GPUs without CDI", () => {
    const found = {
      ...bare,
      portHolder: "nginx (pid 7)",
      gatewayOwner: "other",
      dockerVersion: "20.10.24+dfsg1",
    };
    const refusals = inference.refuse?.(parse(vllm(1)), found) ?? [];
    expect(refusals.map((refusal) => refusal.path)).toEqual(["gateway.port", "name", "gpus"]);
    expect(refusals[0]?.found).toContain("nginx");
    expect(refusals.every((refusal) => refusal.remedy.length > 10)).toBe(true);
  });
  it("nothing on a bare node or on its own", () => {
    expect(inference.refuse?.(parse(vllm(1)), bare)).toEqual([]);
    expect(inference.refuse?.(parse(llamacpp), inSync(llamacpp))).toEqual([]);
  });
});
