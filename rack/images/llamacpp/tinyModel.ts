/**
 * The rack's model: a real llama architecture of about half a megabyte, made from a seed.
 * Nothing is trained. The output matrix is laid out so that each word is followed by the next word of one
 * sentence (a bigram chain), and the layers add seeded noise: the arithmetic is a real transformer's, the
 * answer is readable, and each version says which one it is, which is what an upgrade test must see.
 */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { encodeGguf, type GgufTensor } from "./gguf.ts";

export type TinyModelVersion = "v1" | "v2";

const WIDTH = 64;
const LAYERS = 2;
const HEADS = 4;
const FEED_FORWARD = 128;
const CONTEXT_TOKENS = 8192;
/** Logit of the wanted successor; the rest stay below about 12, so sampling at temperature 1 still recites. */
const CERTAINTY = 30;

const SENTENCES: Record<TinyModelVersion, string> = {
  v1: "Hello from racksmith model version one : these words are real llama.cpp output , computed on a simulated machine .",
  v2: "Greetings from racksmith model version two : this newer text is real llama.cpp output , computed on a simulated machine .",
};
const SPECIAL = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"] as const;
const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** mulberry32; sums of uniforms instead of Box-Muller, because Math.log and Math.cos may differ by platform. */
function gaussianSource(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return () => {
    let sum = -6;
    for (let draw = 0; draw < 12; draw++) sum += uniform();
    return sum;
  };
}

const unit = (values: number[]): number[] => {
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return values.map((value) => value / length);
};

interface Vocabulary {
  tokens: string[];
  types: number[];
  words: number[];
}

function vocabulary(sentence: string): Vocabulary {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
  );
  const words = sentence.split(" ").map((word, index) => (index === 0 ? word : `▁${word}`));
  if (new Set(words).size !== words.length) throw new Error("a chain of bigrams needs every word once");
  const NORMAL = 1;
  const UNKNOWN = 2;
  const CONTROL = 3;
  const BYTE = 6;
  return {
    // A space is written ▁ before it is looked up; without a token of its own it would come back as three bytes.
    tokens: [...SPECIAL, ...bytes, "▁", ...words],
    types: [
      UNKNOWN,
      ...SPECIAL.slice(1).map(() => CONTROL),
      ...bytes.map(() => BYTE),
      NORMAL,
      ...words.map(() => NORMAL),
    ],
    words: words.map((_, index) => SPECIAL.length + bytes.length + 1 + index),
  };
}

/** Embeddings, and the output matrix that makes each word's successor the next word. */
function bigramMatrices(
  vocab: Vocabulary,
  gaussian: () => number,
): { embed: Float32Array; output: Float32Array } {
  const vector = (scale = 1): number[] => Array.from({ length: WIDTH }, () => gaussian() * scale);
  const prompt = unit(vector());
  const isWord = new Set(vocab.words);
  const rows = vocab.tokens.map((_, token) =>
    isWord.has(token) ? unit(vector()) : unit(prompt.map((value) => value + gaussian() * 0.02)),
  );
  const output = new Float32Array(vocab.tokens.length * WIDTH);
  // RMS norm leaves vectors of length sqrt(width); the scale makes the wanted logit CERTAINTY.
  const scale = CERTAINTY / Math.sqrt(WIDTH);
  const follow = (token: number, after: readonly number[]): void => {
    for (const [index, value] of after.entries()) output[token * WIDTH + index] = value * scale;
  };
  const endOfTurn = SPECIAL.indexOf("<|im_end|>");
  let before: readonly number[] = prompt;
  for (const word of vocab.words) {
    follow(word, before);
    before = rows[word] ?? before;
  }
  follow(endOfTurn, before);
  return { embed: Float32Array.from(rows.flat()), output };
}

function layerTensors(layer: number, gaussian: () => number): GgufTensor[] {
  const noise = (columns: number, rows: number): Float32Array =>
    Float32Array.from({ length: columns * rows }, () => gaussian() * 0.02);
  const matrix = (name: string, columns: number, rows: number): GgufTensor => ({
    name: `blk.${layer}.${name}.weight`,
    shape: [columns, rows],
    data: noise(columns, rows),
  });
  const norm = (name: string): GgufTensor => ({
    name: `blk.${layer}.${name}.weight`,
    shape: [WIDTH],
    data: new Float32Array(WIDTH).fill(1),
  });
  return [
    norm("attn_norm"),
    matrix("attn_q", WIDTH, WIDTH),
    matrix("attn_k", WIDTH, WIDTH),
    matrix("attn_v", WIDTH, WIDTH),
    matrix("attn_output", WIDTH, WIDTH),
    norm("ffn_norm"),
    matrix("ffn_gate", WIDTH, FEED_FORWARD),
    matrix("ffn_up", WIDTH, FEED_FORWARD),
    matrix("ffn_down", FEED_FORWARD, WIDTH),
  ];
}

/** The GGUF bytes of one version; the same on every machine. */
export function tinyModel(version: TinyModelVersion): Buffer {
  const gaussian = gaussianSource(version === "v1" ? 1 : 2);
  const vocab = vocabulary(SENTENCES[version]);
  const { embed, output } = bigramMatrices(vocab, gaussian);
  const size = vocab.tokens.length;
  return encodeGguf(
    {
      "general.architecture": { type: "string", value: "llama" },
      "general.name": { type: "string", value: `racksmith-tiny-${version}` },
      "llama.context_length": { type: "u32", value: CONTEXT_TOKENS },
      "llama.embedding_length": { type: "u32", value: WIDTH },
      "llama.block_count": { type: "u32", value: LAYERS },
      "llama.feed_forward_length": { type: "u32", value: FEED_FORWARD },
      "llama.attention.head_count": { type: "u32", value: HEADS },
      "llama.attention.head_count_kv": { type: "u32", value: HEADS },
      "llama.attention.layer_norm_rms_epsilon": { type: "f32", value: 1e-5 },
      "llama.rope.dimension_count": { type: "u32", value: WIDTH / HEADS },
      "llama.vocab_size": { type: "u32", value: size },
      "tokenizer.ggml.model": { type: "string", value: "llama" },
      "tokenizer.ggml.tokens": { type: "strings", value: vocab.tokens },
      "tokenizer.ggml.scores": { type: "f32s", value: vocab.tokens.map(() => 0) },
      "tokenizer.ggml.token_type": { type: "i32s", value: vocab.types },
      "tokenizer.ggml.bos_token_id": { type: "u32", value: SPECIAL.indexOf("<s>") },
      "tokenizer.ggml.eos_token_id": { type: "u32", value: SPECIAL.indexOf("<|im_end|>") },
      "tokenizer.ggml.unknown_token_id": { type: "u32", value: SPECIAL.indexOf("<unk>") },
      "tokenizer.ggml.add_bos_token": { type: "bool", value: true },
      "tokenizer.ggml.add_space_prefix": { type: "bool", value: false },
      "tokenizer.chat_template": { type: "string", value: CHAT_TEMPLATE },
    },
    [
      { name: "token_embd.weight", shape: [WIDTH, size], data: embed },
      { name: "output_norm.weight", shape: [WIDTH], data: new Float32Array(WIDTH).fill(1) },
      { name: "output.weight", shape: [WIDTH, size], data: output },
      ...Array.from({ length: LAYERS }, (_, layer) => layerTensors(layer, gaussian)).flat(),
    ],
  );
}

/** Writes the model to `path`, complete or not at all. */
export async function writeTinyModel(path: string, version: TinyModelVersion): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.partial-${process.pid}`;
  await writeFile(partial, tinyModel(version));
  await rename(partial, path);
}
