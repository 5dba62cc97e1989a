import { Secret } from "../../config/secret.ts";

/** Shorter values would blot out ordinary text (`a`, `22`), and protect nothing. */
const SHORTEST = 4;

/** Knows the secret values of this process and takes them out of any text. */
export class Redactor {
  #values = new Set<string>();
  #ordered: string[] | undefined;

  /** Remembers every string inside `value`, and each line of those with several lines. */
  learn(value: unknown): void {
    if (value instanceof Secret) this.learn(value.reveal());
    else if (typeof value === "string") this.#learnText(value);
    else if (Array.isArray(value)) for (const part of value) this.learn(part);
    else if (typeof value === "object" && value !== null) {
      for (const part of Object.values(value)) this.learn(part);
    }
  }

  #learnText(text: string): void {
    const forms = [text, ...text.split(/\r?\n/)];
    for (const form of forms) {
      if (form.trim().length < SHORTEST) continue;
      // As it may come back: in JSON, in base64, percent-encoded, escaped as in a section.
      this.#values.add(form);
      this.#values.add(JSON.stringify(form).slice(1, -1));
      this.#values.add(form.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r"));
      this.#values.add(encodeURIComponent(form.toWellFormed()));
      if (form.length >= 8) this.#values.add(Buffer.from(form).toString("base64").replace(/=+$/, ""));
    }
    this.#ordered = undefined;
  }

  /** `text` with every known secret replaced by `[secret]`, longest first so that no tail of one stays. */
  redact(text: string): string {
    this.#ordered ??= [...this.#values].sort((a, b) => b.length - a.length);
    let clean = text;
    for (const value of this.#ordered) if (clean.includes(value)) clean = clean.replaceAll(value, "[secret]");
    return clean;
  }
}
