import { z } from "zod";
import { imageReference, portNumber } from "./common.ts";
import { secretText } from "./secret.ts";

/**
 * vLLM below this may execute code from a model repository or ignore revision pins
 * (GHSA-7972-pg2x-xr59 fixed in 0.18.0, GHSA-3ww4-5jv9-j5gm fixed in 0.22.0).
 */
export const vllmVersionFloor = "0.22.0";

/** The KPI rule of the source articles: video memory in use stays at or under 85 %. */
export const maxGpuMemoryUtilization = 0.85;

/** Name of an inference server: part of unit, container and file names on the node. */
export const inferenceName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, "must be a lower-case letter, then up to 39 of a-z 0-9 -");

/** What clients call the model (`model` in the OpenAI API). */
export const servedName = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/:-]*$/, "must be letters, digits and . _ / : -, not starting with a sign");

/** Path inside the weights directory; "" is the directory itself (safetensors), a `.gguf` for llama.cpp. */
export const modelPath = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9._/-]*$/, "must be letters, digits and . _ / -")
  .refine((path) => !path.startsWith("/") && !path.split("/").includes(".."), {
    message: "must be relative to the weights directory, without ..",
  });

/** A CDI device name, as `nvidia-ctk cdi list` prints: `nvidia.com/gpu=0`, `nvidia.com/gpu=all`. */
export const cdiDevice = z
  .string()
  .max(128)
  .regex(
    /^[a-z0-9][a-z0-9.-]*\/[a-z0-9_.-]+=[A-Za-z0-9_.:-]+$/,
    "must be a CDI name such as nvidia.com/gpu=0",
  );

const mib = z.number().int().positive();
const seconds = z.number().int().positive().max(86_400);

/** vLLM's own settings. Unset means that vLLM decides. */
export const vllmSettings = z.strictObject({
  engine: z.literal("vllm").describe("vLLM, for safetensors models"),
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+$/, "must be MAJOR.MINOR.PATCH")
    .refine((found) => !versionBelow(found, vllmVersionFloor), {
      message: `must be at least ${vllmVersionFloor} (GHSA-3ww4-5jv9-j5gm, GHSA-7972-pg2x-xr59)`,
    })
    .optional()
    .describe(
      `version inside the image; below ${vllmVersionFloor} is refused. Said here only: the image's tag is not read`,
    ),
  tensorParallel: z.number().int().min(1).max(64).default(1).describe("GPUs that share each layer"),
  pipelineParallel: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe("groups of layers, a GPU or more each"),
  quantization: z
    .enum(["awq", "awq_marlin", "gptq", "gptq_marlin", "fp8", "bitsandbytes", "compressed-tensors"])
    .optional()
    .describe("how the weights are quantized; unset: vLLM reads it from the model"),
  maxModelLenTokens: z
    .number()
    .int()
    .min(16)
    .max(10_485_760)
    .optional()
    .describe("longest prompt and answer together; unset: the model's own"),
  maxSequences: z
    .number()
    .int()
    .min(1)
    .max(65_536)
    .optional()
    .describe("most requests computed at once; unset: vLLM decides"),
  gpuMemoryUtilization: z
    .number()
    .min(0.05)
    .max(maxGpuMemoryUtilization)
    .default(maxGpuMemoryUtilization)
    .describe("share of video memory that vLLM takes"),
  loadFormat: z
    .enum(["safetensors", "auto"])
    .default("safetensors")
    .describe("auto also takes PyTorch's pickled weights"),
});

/** llama.cpp's `llama-server`. */
export const llamacppSettings = z.strictObject({
  engine: z.literal("llamacpp").describe("llama.cpp's llama-server, for GGUF models"),
  contextTokens: z.number().int().min(16).max(10_485_760).default(4096).describe("context, in tokens"),
  parallel: z
    .number()
    .int()
    .min(1)
    .max(256)
    .default(1)
    .describe("requests answered at once; the context is shared among them"),
  gpuLayers: z.number().int().min(0).max(10_000).default(0).describe("layers on the GPU; 0 is CPU only"),
});

export const engineSettings = z.discriminatedUnion("engine", [vllmSettings, llamacppSettings]);
export type EngineSettings = z.output<typeof engineSettings>;

/** What the container may use. */
export const containerLimits = z.strictObject({
  memoryMiB: mib.min(64).optional().describe("main memory; unset: all that the machine has"),
  shmMiB: mib.default(1024).describe("/dev/shm, which vLLM's workers talk over"),
  tmpMiB: mib.default(2048).describe("/tmp, in memory: compile caches"),
  pids: z.number().int().min(16).max(4_194_304).default(4096).describe("processes and threads"),
  logMaxMiB: mib.default(50).describe("size of its log before it is rotated"),
  logFiles: z.number().int().min(1).max(100).default(3).describe("logs kept"),
});

const absolutePath = z
  .string()
  .max(512)
  .regex(/^\/[A-Za-z0-9._/-]+$/, "must be an absolute path of letters, digits and . _ / -")
  .refine((path) => !path.split("/").includes(".."), { message: "must not contain .." });

/** The door in front of the engine: one public port, allow-listed routes, a key. */
export const gatewaySettings = z.strictObject({
  address: z
    .ipv4()
    .default("0.0.0.0")
    .describe("address the gateway binds; the default is every IPv4 address"),
  port: portNumber.default(8000).describe("port of the API"),
  metricsPort: portNumber.default(18001).describe("Prometheus metrics of the gateway, on 127.0.0.1"),
  embeddings: z.boolean().default(false).describe("open the route /v1/embeddings too"),
  maxBodyMiB: mib.max(256).default(8).describe("largest request"),
  streamTimeoutSeconds: seconds.default(900).describe("longest silence between two bytes of an answer"),
  tlsPemPath: absolutePath
    .optional()
    .describe("PEM file on the node holding certificate and key, for HTTPS; unset: plain HTTP"),
});
export type GatewaySettings = z.output<typeof gatewaySettings>;

/** Name of an API key, written to the log of every request made with it. */
export const apiKeyName = z
  .string()
  .regex(/^[a-z][a-z0-9_.-]{0,62}$/, "must be a lower-case letter, then up to 62 of a-z 0-9 _ . -")
  .refine((name) => name !== "racksmith-probe", { message: "is reserved for racksmith's own health check" });

/** An API key: long enough that its hash on the node gives nothing away. */
export const apiKey = z
  .string()
  .regex(
    /^[A-Za-z0-9._~+=-]{24,256}$/,
    "must be 24 to 256 of A-Z a-z 0-9 . _ ~ + = - (try `openssl rand -hex 32`)",
  );

/** What the user's section and the resource share. Units are in the names. */
export const inferenceShape = {
  name: inferenceName.default("main").describe("name of the inference server on the node"),
  image: imageReference.describe("engine image by digest"),
  settings: engineSettings.describe("the engine and its own settings"),
  servedName: servedName.describe("what clients call the model"),
  modelPath: modelPath
    .default("")
    .describe("path inside the weights: empty is the directory itself, llama.cpp wants its .gguf file"),
  gpus: z
    .array(cdiDevice)
    .max(64)
    .default([])
    .describe("CDI names of the GPUs, such as nvidia.com/gpu=all; none means CPU only"),
  limits: containerLimits.prefault({}).describe("what the container may use"),
  drainSeconds: z
    .int()
    .min(1)
    .max(3600)
    .default(300)
    .describe("longest wait for running answers to end before the engine is stopped"),
  startTimeoutSeconds: z
    .int()
    .min(10)
    .max(7200)
    .default(1800)
    .describe("longest wait for the first token after a start; a large model loads for many minutes"),
  gateway: gatewaySettings.prefault({}).describe("the public door: port, routes, TLS"),
};

/** `racksmith:inference`. The keys are Pulumi secrets. */
export const inferenceConfig = z.strictObject({
  ...inferenceShape,
  apiKeys: z
    .record(
      apiKeyName,
      secretText.refine((key) => apiKey.safeParse(key.reveal()).success, {
        message: "must be 24 to 256 of A-Z a-z 0-9 . _ ~ + = - (try `openssl rand -hex 32`)",
      }),
    )
    .refine((keys) => Object.keys(keys).length > 0, { message: "needs at least one key" })
    .describe("API key name → key, as secrets; the name is written to the gateway's log"),
});

export type InferenceConfig = z.output<typeof inferenceConfig>;

/** True when dotted version `found` is lower than `floor`. */
export function versionBelow(found: string, floor: string): boolean {
  const a = found.split(".").map(Number);
  const b = floor.split(".").map(Number);
  for (let part = 0; part < Math.max(a.length, b.length); part++) {
    const difference = (a[part] ?? 0) - (b[part] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
