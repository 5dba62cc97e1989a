/** One line may not take more memory than this many bytes; the rest of it is dropped. */
const LONGEST_LINE = 32 * 1024 * 1024;
const NEWLINE = 0x0a;

/** `bytes` as they were received, with the newline: text that was not UTF-8 has other lengths. */
export interface Line {
  text: string;
  bytes: number;
}

/** Cuts a byte stream into lines, and counts the bytes of each. */
export class LineSplitter {
  #parts: Buffer[] = [];
  #keptBytes = 0;
  #bytes = 0;

  /** The lines that `chunk` completes. */
  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, at));
      this.#bytes++;
      lines.push(this.#take());
      from = at + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  /** What came after the last newline. Half a line, unless the sender is known to have ended. */
  rest(): Line {
    return this.#take();
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    const kept = part.subarray(0, LONGEST_LINE - this.#keptBytes);
    if (kept.length === 0) return;
    this.#parts.push(kept);
    this.#keptBytes += kept.length;
  }

  #take(): Line {
    const line = { text: Buffer.concat(this.#parts).toString("utf8"), bytes: this.#bytes };
    this.#parts = [];
    this.#keptBytes = 0;
    this.#bytes = 0;
    return line;
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
    // Well-formed: the cut may go through a surrogate pair.
    this.#lines.push(line.length > 2000 ? `${line.slice(0, 2000).toWellFormed()}…` : line);
    if (this.#lines.length > this.#count) this.#lines.shift();
  }

  lines(): string[] {
    return [...this.#lines];
  }
}
