import { createHash } from "node:crypto";
import type { EngineSettings } from "../../../config/inference.ts";

/** Where the gateway finds the engine on the node. Bound to loopback only. */
export const enginePort = 18000;
/** Where the engine listens inside its container. */
const containerPort = 8000;
/** The `vllm` user of vLLM's own images (vllm-project/vllm#40275); any id works, as HOME and USER are set. */
const containerUser = "2000:2000";
const weightsTarget = "/weights";

export interface ContainerInputs {
  image: string;
  stack: string;
  servedName: string;
  modelPath: string;
  weightsVersion: string;
  gpus: string[];
  settings: EngineSettings;
  drainSeconds: number;
  limits: {
    memoryMiB?: number | undefined;
    shmMiB: number;
    tmpMiB: number;
    pids: number;
    logMaxMiB: number;
    logFiles: number;
  };
}

/** A container as `docker create` wants it, without its name and the weights mount, which the node resolves. */
export interface ContainerSpec {
  dockerArgs: string[];
  image: string;
  engineArgs: string[];
  /** SHA-256 over everything that makes it this container and no other; also its label `racksmith.spec`. */
  hash: string;
}

/** Inputs → argv. Pure; nothing is quoted because nothing passes through a shell as text. */
export function containerSpec(inputs: ContainerInputs): ContainerSpec {
  const dockerArgs = [
    ...isolation(inputs),
    ...limits(inputs),
    ...environment(inputs.settings.engine),
    ...inputs.gpus.flatMap((device) => ["--device", device]),
    ...(inputs.settings.engine === "vllm" ? ["--entrypoint", "vllm"] : []),
    ...["--label", `racksmith.stack=${inputs.stack}`],
    ...["--label", `racksmith.weights=${inputs.weightsVersion}`],
  ];
  const engineArgs = inputs.settings.engine === "vllm" ? vllmArgs(inputs) : llamacppArgs(inputs);
  const hash = createHash("sha256")
    .update(JSON.stringify([dockerArgs, inputs.image, engineArgs]))
    .digest("hex");
  return {
    dockerArgs: [...dockerArgs, "--label", `racksmith.spec=${hash}`],
    image: inputs.image,
    engineArgs,
    hash,
  };
}

function isolation(inputs: ContainerInputs): string[] {
  // vLLM compiles kernels into /tmp and loads them from there; llama.cpp has no such need.
  const exec = inputs.settings.engine === "vllm" ? "exec" : "noexec";
  return [
    ...["--pull", "never"],
    ...["--restart", "no"],
    "--init",
    "--no-healthcheck",
    "--read-only",
    ...["--tmpfs", `/tmp:rw,nosuid,nodev,${exec},size=${inputs.limits.tmpMiB}m,mode=1777`],
    ...["--cap-drop", "ALL"],
    ...["--security-opt", "no-new-privileges:true"],
    ...["--user", containerUser],
    ...["--ipc", "private"],
    ...["--publish", `127.0.0.1:${enginePort}:${containerPort}/tcp`],
  ];
}

function limits({ limits, drainSeconds }: ContainerInputs): string[] {
  const memory = limits.memoryMiB === undefined ? [] : [`${limits.memoryMiB}m`];
  return [
    ...memory.flatMap((size) => ["--memory", size, "--memory-swap", size]),
    ...["--shm-size", `${limits.shmMiB}m`],
    ...["--pids-limit", `${limits.pids}`],
    ...["--ulimit", "memlock=-1:-1"],
    ...["--stop-timeout", `${drainSeconds}`],
    ...["--log-driver", "json-file"],
    ...["--log-opt", `max-size=${limits.logMaxMiB}m`, "--log-opt", `max-file=${limits.logFiles}`],
  ];
}

/** Nothing phones home, nothing is fetched at run time, every cache goes to /tmp. */
function environment(engine: EngineSettings["engine"]): string[] {
  const common = ["HOME=/tmp", "USER=racksmith", "LOGNAME=racksmith", "XDG_CACHE_HOME=/tmp/cache"];
  const vllm = [
    "HF_HOME=/tmp/huggingface",
    "HF_HUB_OFFLINE=1",
    "TRANSFORMERS_OFFLINE=1",
    "TORCHINDUCTOR_CACHE_DIR=/tmp/torchinductor",
    "TRITON_CACHE_DIR=/tmp/triton",
    "VLLM_CACHE_ROOT=/tmp/vllm",
    "VLLM_NO_USAGE_STATS=1",
    "DO_NOT_TRACK=1",
  ];
  return [...common, ...(engine === "vllm" ? vllm : [])].flatMap((pair) => ["--env", pair]);
}

function target(path: string): string {
  return path === "" ? weightsTarget : `${weightsTarget}/${path}`;
}

/** `--trust-remote-code` is never passed: safetensors only runs what the image brought. */
function vllmArgs({ settings, modelPath, servedName }: ContainerInputs): string[] {
  if (settings.engine !== "vllm") return [];
  return [
    ...["serve", target(modelPath)],
    ...["--host", "0.0.0.0", "--port", `${containerPort}`],
    ...["--served-model-name", servedName],
    ...["--load-format", settings.loadFormat],
    ...["--tensor-parallel-size", `${settings.tensorParallel}`],
    ...["--pipeline-parallel-size", `${settings.pipelineParallel}`],
    ...["--gpu-memory-utilization", `${settings.gpuMemoryUtilization}`],
    ...option("--max-model-len", settings.maxModelLenTokens),
    ...option("--max-num-seqs", settings.maxSequences),
    ...option("--quantization", settings.quantization),
    // The name since 0.10; `--disable-log-requests` is gone from the versions above the floor.
    "--no-enable-log-requests",
  ];
}

function llamacppArgs({ settings, modelPath, servedName }: ContainerInputs): string[] {
  if (settings.engine !== "llamacpp") return [];
  return [
    ...["--model", target(modelPath)],
    ...["--host", "0.0.0.0", "--port", `${containerPort}`],
    ...["--alias", servedName],
    ...["--ctx-size", `${settings.contextTokens}`],
    ...["--parallel", `${settings.parallel}`],
    ...["--n-gpu-layers", `${settings.gpuLayers}`],
    "--metrics",
  ];
}

function option(flag: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [flag, `${value}`];
}
