import { describe, expect, it } from "vitest";
import { inferenceConfig, versionBelow } from "../../config/inference.ts";
import { inference } from "../../provider/resources/inference.ts";
import { key, llamacpp, vllm } from "../provider/inference-fixtures.ts";

const { stack: _stack, weightsVersion: _weights, ...section } = llamacpp;
const problems = (given: unknown) => {
  const parsed = inference.inputs.safeParse(given);
  return parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join("/")}: ${issue.message}`);
};

describe("racksmith:inference", () => {
  it("takes a small section and fills in the rest", () => {
    const parsed = inferenceConfig.parse(section);
    expect(parsed.gateway).toMatchObject({ address: "0.0.0.0", port: 8000, embeddings: false });
    expect(JSON.stringify(parsed)).not.toContain(key);
  });
  it("parses to the same when parsed twice", () => {
    const once = inference.inputs.parse(vllm(2));
    expect(inference.inputs.parse(once)).toEqual(once);
  });
  it("refuses a short key without showing it", () => {
    const parsed = inferenceConfig.safeParse({ ...section, apiKeys: { team: "hunter2" } });
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).not.toContain("hunter2");
  });
});

describe("refused, path first", () => {
  it.each([
    ["a tag instead of a digest", { image: "vllm/vllm-openai:latest" }, /^image: .*digest/],
    ["an image that is an option", { image: "--privileged" }, /^image: /],
    [
      "more video memory than the KPI allows",
      vllm(1, { gpuMemoryUtilization: 0.95 }),
      /^settings\/gpuMemoryUtilization/,
    ],
    ["a vLLM with known holes", vllm(1, { version: "0.21.9" }), /GHSA-3ww4-5jv9-j5gm/],
    ["a model outside the weights", { modelPath: "../../etc/shadow" }, /^modelPath: /],
    ["an absolute model", { modelPath: "/etc/shadow" }, /^modelPath: /],
    ["a setting nobody knows", vllm(1, { trustRemoteCode: true }), /^settings: .*trustRemoteCode/],
    ["no key", { apiKeys: {} }, /^apiKeys: /],
    ["racksmith's own key name", { apiKeys: { "racksmith-probe": key } }, /^apiKeys/],
    ["a port that is none", { gateway: { port: 70_000 } }, /^gateway\/port/],
    ["a host name to bind", { gateway: { address: "localhost" } }, /^gateway\/address/],
    ["a TLS path with a space", { gateway: { tlsPemPath: "/etc/x y" } }, /^gateway\/tlsPemPath/],
  ])("%s", (_what, change, message) => {
    expect(problems({ ...llamacpp, ...change }).join("\n")).toMatch(message);
  });

  const hostile = [
    "$(reboot)",
    "`id`",
    "a'b\"c",
    "line\nbreak",
    "../../x",
    "-v",
    " ",
    "x".repeat(10_000),
    "\u0000",
    "号",
  ];
  const fields = ["name", "image", "servedName", "weightsVersion", "weightsPath", "vaultMount", "stack"];
  it.each(fields.flatMap((field) => hostile.map((text) => [field, text] as const)))(
    "%s: %j",
    (field, text) => {
      expect(problems({ ...llamacpp, [field]: text }).join()).toContain(field);
    },
  );
  it.each(hostile)("as a GPU, an API key, a key name: %j", (text) => {
    expect(problems({ ...llamacpp, gpus: [text] }).join()).toContain("gpus/0");
    expect(problems({ ...llamacpp, apiKeys: { team: text } }).join()).toContain("apiKeys");
    expect(problems({ ...llamacpp, apiKeys: { [text]: key } }).join()).toContain("apiKeys");
  });
});

it("versionBelow compares numbers, not text", () => {
  expect(versionBelow("0.9.0", "0.22.0")).toBe(true);
  expect(versionBelow("0.22.0", "0.22.0")).toBe(false);
  expect(versionBelow("1.0.0", "0.22.0")).toBe(false);
});
