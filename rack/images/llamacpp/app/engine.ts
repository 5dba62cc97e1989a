/** One loaded model, a fixed number of slots, and a queue in front of them. */
import { Template } from "@huggingface/jinja";
import { getLlama, type LlamaContextSequence, type LlamaModel, type Token } from "node-llama-cpp";
import type { ServerFlags } from "./flags.ts";
import type { Metrics } from "./metrics.ts";
import { TextAssembler } from "./text.ts";

export interface Message {
  role: string;
  content: string;
}
export interface GenerateOptions {
  /** undefined: until the model ends its turn or the context is full. */
  maxTokens?: number;
  temperature: number;
  topP?: number;
  seed?: number;
  stop: readonly string[];
  ignoreEos: boolean;
  signal: AbortSignal;
}
export interface Usage {
  promptTokens: number;
  completionTokens: number;
  finish: "stop" | "length";
}

/** The prompt does not fit in one slot's context. */
export class ContextError extends Error {}

export class Engine {
  readonly #model: LlamaModel;
  readonly #free: LlamaContextSequence[];
  readonly #waiting: ((slot: LlamaContextSequence) => void)[] = [];
  readonly #metrics: Metrics;
  readonly #template: Template | undefined;
  readonly slotTokens: number;

  private constructor(
    model: LlamaModel,
    slots: LlamaContextSequence[],
    slotTokens: number,
    metrics: Metrics,
  ) {
    this.#model = model;
    this.#free = slots;
    this.#metrics = metrics;
    this.slotTokens = slotTokens;
    const source = model.fileInfo.metadata.tokenizer?.chat_template;
    this.#template = source === undefined ? undefined : new Template(source);
  }

  static async load(flags: ServerFlags, metrics: Metrics): Promise<Engine> {
    const llama = await getLlama({
      gpu: false,
      build: "never",
      skipDownload: true,
      progressLogs: false,
      maxThreads: flags.threads,
    });
    const model = await llama.loadModel({
      modelPath: flags.modelPath,
      useMmap: flags.mmap,
      useMlock: flags.mlock,
    });
    const totalTokens = flags.contextTokens === 0 ? model.trainContextSize : flags.contextTokens;
    const slotTokens = Math.floor(totalTokens / flags.slots);
    const context = await model.createContext({
      sequences: flags.slots,
      contextSize: slotTokens,
      threads: flags.threads,
    });
    const slots = Array.from({ length: flags.slots }, () => context.getSequence());
    return new Engine(model, slots, slotTokens, metrics);
  }

  /** The chat as prompt text, by the model's own template. Throws when the model has none. */
  chatPrompt(messages: readonly Message[]): string {
    if (this.#template === undefined)
      throw new ContextError("this model has no chat template; use /v1/completions");
    return this.#template.render({ messages, add_generation_prompt: true, bos_token: "", eos_token: "" });
  }

  /** Yields text as it is made; returns the counts. */
  async *generate(prompt: string, options: GenerateOptions): AsyncGenerator<string, Usage> {
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    const tokens = this.#model.tokenize(prompt, true);
    if (shouldPrependBosToken && bos !== null && tokens[0] !== bos) tokens.unshift(bos);
    if (tokens.length >= this.slotTokens)
      throw new ContextError(
        `the request (${tokens.length} tokens) exceeds the available context size (${this.slotTokens} tokens)`,
      );
    const slot = await this.#acquire();
    this.#metrics.processing++;
    try {
      return yield* this.#run(slot, tokens, options);
    } finally {
      this.#metrics.processing--;
      await slot.clearHistory();
      this.#release(slot);
    }
  }

  async *#run(
    slot: LlamaContextSequence,
    prompt: Token[],
    options: GenerateOptions,
  ): AsyncGenerator<string, Usage> {
    const room = this.slotTokens - prompt.length;
    const limit = Math.min(options.maxTokens ?? room, room);
    const text = new TextAssembler(this.#model, options.stop);
    const usage: Usage = { promptTokens: prompt.length, completionTokens: 0, finish: "length" };
    let mark = performance.now();
    let first = true;
    if (limit <= 0) return usage;
    for await (const token of slot.evaluate(prompt, {
      temperature: options.temperature,
      yieldEogToken: true,
      ...(options.topP === undefined ? {} : { topP: options.topP }),
      ...(options.seed === undefined ? {} : { seed: options.seed }),
    })) {
      mark = this.#count(first, prompt.length, mark);
      first = false;
      usage.completionTokens++;
      if (this.#model.isEogToken(token) && !options.ignoreEos) usage.finish = "stop";
      else yield* text.push(token);
      if (text.stopped) usage.finish = "stop";
      if (usage.finish === "stop" || usage.completionTokens >= limit || options.signal.aborted) break;
    }
    yield* text.end();
    return usage;
  }

  /** Books one decode: the first of a request is the prompt's. Returns the new time mark, in ms. */
  #count(first: boolean, promptTokens: number, sinceMs: number): number {
    const now = performance.now();
    const seconds = (now - sinceMs) / 1000;
    if (first) {
      this.#metrics.promptTokens += promptTokens;
      this.#metrics.promptSeconds += seconds;
    } else this.#metrics.predictedSeconds += seconds;
    this.#metrics.predictedTokens++;
    this.#metrics.decodeCalls++;
    this.#metrics.busySlotDecodes += this.#metrics.processing;
    return now;
  }

  async #acquire(): Promise<LlamaContextSequence> {
    const slot = this.#free.pop();
    if (slot !== undefined) return slot;
    this.#metrics.deferred++;
    const waited = await new Promise<LlamaContextSequence>((resolve) => this.#waiting.push(resolve));
    this.#metrics.deferred--;
    return waited;
  }

  #release(slot: LlamaContextSequence): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(slot);
    else next(slot);
  }
}
