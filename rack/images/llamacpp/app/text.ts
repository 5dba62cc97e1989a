import type { Token } from "node-llama-cpp";

export interface Detokenizer {
  detokenize(tokens: readonly Token[], specialTokens?: boolean, lastTokens?: readonly Token[]): string;
}

/** Tokens to text: holds back half characters and the beginnings of stop strings. */
export class TextAssembler {
  readonly #model: Detokenizer;
  readonly #stop: readonly string[];
  #tokens: Token[] = [];
  #context: Token[] = [];
  #held = "";
  stopped = false;

  constructor(model: Detokenizer, stop: readonly string[]) {
    this.#model = model;
    this.#stop = stop.filter((text) => text !== "");
  }

  *push(token: Token): Generator<string> {
    this.#tokens.push(token);
    const text = this.#model.detokenize(this.#tokens, false, this.#context);
    const LONGEST_UTF8 = 4;
    if (text.endsWith("\uFFFD") && this.#tokens.length < LONGEST_UTF8) return;
    this.#context = [...this.#context, ...this.#tokens].slice(-8);
    this.#tokens = [];
    yield* this.#emit(text);
  }

  *#emit(text: string): Generator<string> {
    this.#held += text;
    const cut = Math.min(...this.#stop.map((stop) => this.#held.indexOf(stop)).filter((index) => index >= 0));
    if (Number.isFinite(cut)) {
      this.stopped = true;
      this.#held = this.#held.slice(0, cut);
    }
    const keep = this.stopped ? 0 : this.#possibleStopLength();
    const ready = this.#held.slice(0, this.#held.length - keep);
    this.#held = this.#held.slice(ready.length);
    if (ready !== "") yield ready;
  }

  #possibleStopLength(): number {
    let longest = 0;
    for (const stop of this.#stop)
      for (let length = 1; length < stop.length; length++)
        if (this.#held.endsWith(stop.slice(0, length))) longest = Math.max(longest, length);
    return longest;
  }

  *end(): Generator<string> {
    if (this.stopped) return;
    const rest = this.#tokens.length > 0 ? this.#model.detokenize(this.#tokens, false, this.#context) : "";
    if (this.#held + rest !== "") yield this.#held + rest;
  }
}
