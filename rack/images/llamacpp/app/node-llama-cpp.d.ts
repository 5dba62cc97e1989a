/** The part of node-llama-cpp and its template engine that the server uses; the packages live in the image only. */
declare module "node-llama-cpp" {
  export type Token = number & { readonly brand?: "token" };
  export interface LlamaContextSequence {
    evaluate(
      tokens: Token[],
      options?: { temperature?: number; topP?: number; seed?: number; yieldEogToken?: boolean },
    ): AsyncGenerator<Token>;
    clearHistory(): Promise<void>;
  }
  export interface LlamaContext {
    getSequence(): LlamaContextSequence;
  }
  export interface LlamaModel {
    readonly trainContextSize: number;
    readonly size: number;
    readonly tokens: {
      readonly bos: Token | null;
      readonly shouldPrependBosToken: boolean;
      readonly eosString?: string;
      readonly bosString?: string;
    };
    readonly fileInfo: { readonly metadata: { readonly tokenizer?: { readonly chat_template?: string } } };
    createContext(options: {
      sequences: number;
      contextSize: number;
      threads: number;
    }): Promise<LlamaContext>;
    tokenize(text: string, specialTokens?: boolean): Token[];
    detokenize(tokens: readonly Token[], specialTokens?: boolean, lastTokens?: readonly Token[]): string;
    isEogToken(token: Token): boolean;
  }
  export interface Llama {
    loadModel(options: { modelPath: string; useMmap?: boolean; useMlock?: boolean }): Promise<LlamaModel>;
  }
  export function getLlama(options: {
    gpu: false;
    build: "never";
    skipDownload: boolean;
    progressLogs: boolean;
    maxThreads: number;
  }): Promise<Llama>;
}
declare module "@huggingface/jinja" {
  export class Template {
    constructor(source: string);
    render(context: Record<string, unknown>): string;
  }
}
