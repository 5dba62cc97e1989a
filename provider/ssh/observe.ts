import { createHash } from "node:crypto";
import type { ScriptInputs } from "../noun.ts";
import type { Report } from "../report.ts";
import { untilAborted } from "./abort.ts";
import type { Dispatcher } from "./command.ts";
import { HostError, isHostError } from "./errors.ts";
import { encodeSection } from "./section.ts";

/** Reads that the engine starts together come within this: one round trip answers them. */
const GATHER_MS = 25;
const TRIES = 3;

interface Waiting {
  noun: string;
  key: string;
  body: string;
  report: Report;
  resolve: (facts: unknown) => void;
  reject: (error: unknown) => void;
}

/** What observe.sh answered, kept until something on that host changes; requests that wait together travel together. */
export class Observer {
  readonly #host: string;
  readonly #dispatcher: Dispatcher;
  readonly #ready: () => Promise<unknown>;
  readonly #signal: AbortSignal;
  #answers = new Map<string, Promise<unknown>>();
  #waiting: Waiting[] = [];
  #busy = false;

  /** @param ready resolves when the host can be asked; what comes in until then shares one round trip */
  constructor(host: string, dispatcher: Dispatcher, ready: () => Promise<unknown>, signal: AbortSignal) {
    this.#host = host;
    this.#dispatcher = dispatcher;
    this.#ready = ready;
    this.#signal = signal;
  }

  /** Facts as the script printed them. @throws HostError */
  observe(noun: string, inputs: ScriptInputs, report: Report): Promise<unknown> {
    const body = encodeSection(inputs);
    const key = createHash("sha256").update(`${noun}\0${body}`).digest("hex").slice(0, 24);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ noun, key, body, report, resolve, reject });
    });
    this.#answers.set(key, answer);
    // A failure is nothing to remember.
    answer.catch(() => {
      if (this.#answers.get(key) === answer) this.#answers.delete(key);
    });
    if (!this.#busy) void this.#work();
    return answer;
  }

  /** Something on the host has changed, or may have. */
  forget(): void {
    this.#answers.clear();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#waiting.length > 0) {
        const failure = await untilAborted(this.#ready(), this.#signal).then(
          () => undefined,
          (error: unknown) => ({ error }),
        );
        await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
        const batch = this.#waiting.splice(0);
        if (failure === undefined) await this.#ask(batch);
        else for (const one of batch) one.reject(this.#orCancelled(failure.error));
      }
    } finally {
      this.#busy = false;
    }
  }

  async #ask(batch: Waiting[]): Promise<void> {
    const open = new Map(batch.map((one) => [one.key, one]));
    try {
      for (let tries = 1; open.size > 0; tries++) {
        try {
          await this.#askOnce(open, batch);
          break;
        } catch (error) {
          if (tries === TRIES || !isHostError(error, "cut")) throw error;
        }
      }
    } catch (error) {
      for (const one of open.values()) one.reject(this.#orCancelled(error));
    }
  }

  /** Whatever went wrong once people had asked for the end, that is why. */
  #orCancelled(error: unknown): unknown {
    if (!this.#signal.aborted) return error;
    return new HostError({
      kind: "cancelled",
      host: this.#host,
      tried: "observing",
      problem: "cancelled before the host had answered",
      remedy: "observing changes nothing: run the same command again",
    });
  }

  async #askOnce(open: Map<string, Waiting>, batch: Waiting[]): Promise<void> {
    const stdin = [...open.values()].map(({ noun, key, body }) => `[${noun} ${key}]\n${body}`).join("");
    const { code, stderr } = await this.#dispatcher.run("observing", ["observe"], {
      stdin,
      signal: this.#signal,
      onLine: (line) => {
        if (line.startsWith("::status ")) for (const one of batch) one.report.status(line.slice(9));
        else if (line.startsWith('{"key":')) this.#answered(line, open);
      },
    });
    if (open.size === 0) return;
    throw new HostError({
      kind: "failed",
      host: this.#host,
      tried: `observing ${[...open.values()].map(({ noun }) => noun).join(", ")}`,
      problem: `no answer; exit status ${code ?? "none"}`,
      lastLines: stderr,
    });
  }

  #answered(line: string, open: Map<string, Waiting>): void {
    const answer = parseAnswer(line);
    const one = answer === undefined ? undefined : open.get(answer.key);
    if (answer === undefined || one === undefined) return;
    open.delete(one.key);
    if (answer.rc === 0) one.resolve(answer.facts);
    else {
      one.reject(
        new HostError({
          kind: "failed",
          host: this.#host,
          tried: `${one.noun} observe`,
          problem: `exit status ${answer.rc}`,
          lastLines: answer.error.split("\n"),
        }),
      );
    }
  }
}

function parseAnswer(line: string): { key: string; rc: number; facts: unknown; error: string } | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    // observe.sh printed no JSON: the section's key is still the first thing on the line.
    const key = /^\{"key":"([^"]+)"/.exec(line)?.[1];
    return key === undefined
      ? undefined
      : { key, rc: -1, facts: null, error: `not JSON: ${line.slice(0, 500).toWellFormed()}` };
  }
  if (typeof json !== "object" || json === null || !("key" in json) || !("rc" in json)) return undefined;
  return {
    key: String(json.key),
    rc: Number(json.rc),
    facts: "facts" in json ? json.facts : null,
    error: "error" in json ? String(json.error) : "",
  };
}
