/** The flags of llama.cpp's llama-server that an operator passes; anything else ends the server, as the real one does. */
import { parseArgs } from "node:util";

export interface ServerFlags {
  modelPath: string;
  host: string;
  port: number;
  /** Tokens over all slots, as in llama-server. 0 means the model's own. */
  contextTokens: number;
  slots: number;
  gpuLayers: number;
  alias: string;
  metrics: boolean;
  threads: number;
  mmap: boolean;
  mlock: boolean;
}

export class FlagError extends Error {}

function wholeNumber(flag: string, value: string, least: number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < least)
    throw new FlagError(
      `error while handling argument "--${flag}": ${value} is not a whole number from ${least}`,
    );
  return number;
}

/** Parses argv without the program's name. Throws FlagError with text fit for stderr. */
export function parseFlags(argv: readonly string[]): ServerFlags {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      allowPositionals: false,
      options: {
        model: { type: "string", short: "m" },
        host: { type: "string" },
        port: { type: "string" },
        "ctx-size": { type: "string", short: "c" },
        parallel: { type: "string" },
        "n-gpu-layers": { type: "string" },
        "gpu-layers": { type: "string" },
        alias: { type: "string", short: "a" },
        metrics: { type: "boolean" },
        threads: { type: "string", short: "t" },
        "no-mmap": { type: "boolean" },
        mlock: { type: "boolean" },
        "no-webui": { type: "boolean" },
        jinja: { type: "boolean" },
      },
    }));
  } catch (error) {
    throw new FlagError(`error: invalid argument: ${error instanceof Error ? error.message : String(error)}`);
  }
  const text = (flag: string, fallback: string): string => {
    const value = values[flag];
    return typeof value === "string" ? value : fallback;
  };
  const modelPath = text("model", "");
  if (modelPath === "") throw new FlagError("error: --model is required");
  return {
    modelPath,
    host: text("host", "127.0.0.1"),
    port: wholeNumber("port", text("port", "8080"), 0),
    contextTokens: wholeNumber("ctx-size", text("ctx-size", "4096"), 0),
    slots: wholeNumber("parallel", text("parallel", "1"), 1),
    gpuLayers: wholeNumber("n-gpu-layers", text("n-gpu-layers", text("gpu-layers", "0")), 0),
    alias: text("alias", modelPath),
    metrics: values.metrics === true,
    // More threads only spin against each other on a model this small and a CPU that is emulated: 20 tokens took
    // 5.5 s with the library's default on two busy cores, 0.05 s with one thread.
    threads: wholeNumber("threads", text("threads", "1"), 1),
    mmap: values["no-mmap"] !== true,
    mlock: values.mlock === true,
  };
}
