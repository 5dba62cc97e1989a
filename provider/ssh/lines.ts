import { StringDecoder } from "node:string_decoder";

/** One line may not take more memory than this; the rest of it is dropped. */
const LONGEST_LINE = 32 * 1024 * 1024;

/** Cuts a byte stream into lines, and counts the bytes of the whole ones. */
export class LineSplitter {
  #decoder = new StringDecoder("utf8");
  #partial = "";

  /** The lines that `chunk` completes. */
  push(chunk: Buffer): string[] {
    const text = this.#partial + this.#decoder.write(chunk);
    const lines = text.split("\n");
    this.#partial = (lines.pop() ?? "").slice(0, LONGEST_LINE);
    return lines;
  }

  /** What came after the last newline. */
  rest(): string {
    const rest = this.#partial + this.#decoder.end();
    this.#partial = "";
    return rest;
  }
}

/** The last `count` lines of something that may be long. */
export class Tail {
  readonly #lines: string[] = [];
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  push(line: string): void {
    this.#lines.push(line.length > 2000 ? `${line.slice(0, 2000)}…` : line);
    if (this.#lines.length > this.#count) this.#lines.shift();
  }

  lines(): string[] {
    return [...this.#lines];
  }
}
