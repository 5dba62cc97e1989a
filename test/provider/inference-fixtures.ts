import type { z } from "zod";
import { inference } from "../../provider/resources/inference.ts";

export const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
export const key = "k3y-for-the-tests-0123456789";

type Given = z.input<typeof inference.inputs>;
type Facts = z.infer<typeof inference.facts>;

/** A llama.cpp server on the CPU, as the rack runs it. */
export const llamacpp: Given = {
  name: "main",
  stack: "rack-entry-4090",
  image: `registry.example:5000/llamacpp@${digest}`,
  settings: { engine: "llamacpp", contextTokens: 512 },
  servedName: "tiny",
  modelPath: "tiny.gguf",
  weightsVersion: "v1",
  drainSeconds: 30,
  apiKeys: { team: key },
};

/** vLLM over `gpus` cards. */
export function vllm(gpus: number, more: Record<string, unknown> = {}): Given {
  return {
    ...llamacpp,
    image: `vllm/vllm-openai@${digest}`,
    settings: { engine: "vllm", tensorParallel: gpus, ...more },
    modelPath: "",
    gpus: Array.from({ length: gpus }, (_, index) => `nvidia.com/gpu=${index}`),
  };
}

export const parse = (given: Given) => inference.inputs.parse(given);

/** What a bare node answers. */
export const bare: Facts = {
  dockerVersion: "",
  container: "missing",
  image: "",
  engineArgs: [],
  spec: "",
  weightsVersion: "",
  weightsMounted: "",
  weightsWanted: "",
  swapUnfinished: false,
  unitSha256: "",
  unitEnabled: false,
  unitActive: false,
  gatewayConfigSha256: "",
  gatewayKeysSha256: "",
  gatewayKeysMode: "missing",
  gatewayUnitSha256: "",
  gatewayEnabled: false,
  gatewayActive: false,
  gatewayReloadDue: false,
  gatewayOwner: "",
  distributionHaproxyMasked: false,
  portHolder: "",
  healthy: false,
  busy: false,
  healthDetail: "the container is missing, the gateway is down",
};
