import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pLimit from "p-limit";
import type { ClientChannel } from "ssh2";
import type { Connection } from "../../config/connection.ts";
import { untilAborted } from "./abort.ts";
import { type Dialled, dial } from "./dial.ts";
import { DialError } from "./dial-errors.ts";
import { HostError } from "./errors.ts";
import { LineSplitter, Tail } from "./lines.ts";

/** sshd allows ten sessions a connection (MaxSessions); some stay free for a person's own. */
const CHANNELS = 6;
const DIAL_RETRY_MS = [500, 1_000, 2_000];

export interface ExecOptions {
  stdin?: string | Readable;
  /**
   * Called in order with each line of stdout, and how many bytes it was, newline included. What a cut leaves of a
   * line is not one.
   */
  onLine?: (line: string, bytes: number) => void;
  signal?: AbortSignal;
}

export interface ExecResult {
  /** Exit status; undefined when a signal ended it. */
  code: number | undefined;
  stderr: string[];
}

/** One host's connection: made when first needed, shared by all that runs there, made anew after a cut. */
export class Session {
  readonly connection: Connection;
  /** How often it connected and how many channels it opened: for tests and for `RACKSMITH_TRACE`. */
  readonly counts = { connections: 0, channels: 0 };
  #dialled: Promise<Dialled> | undefined;
  #channels = pLimit(CHANNELS);

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Connects if need be. Transient failures are tried again a few times. */
  connect(): Promise<Dialled> {
    this.#dialled ??= this.#keepWhileOpen(this.#dialPatiently());
    return this.#dialled;
  }

  /** A connection that has been replaced already may close late: only its own place is cleared. */
  #keepWhileOpen(dialling: Promise<Dialled>): Promise<Dialled> {
    const forget = () => this.#forget(dialling);
    dialling.then((dialled) => {
      dialled.client.once("close", () => {
        forget();
        dialled.end();
      });
    }, forget);
    return dialling;
  }

  #forget(dialling: Promise<Dialled>): void {
    if (this.#dialled === dialling) this.#dialled = undefined;
  }

  async #dialPatiently(): Promise<Dialled> {
    for (const pauseMs of DIAL_RETRY_MS) {
      try {
        return await this.#dialOnce();
      } catch (error) {
        if (!(error instanceof DialError && error.transient)) throw error;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
    return await this.#dialOnce();
  }

  async #dialOnce(): Promise<Dialled> {
    const dialled = await dial(this.connection);
    this.counts.connections++;
    return dialled;
  }

  /** Forgets the connection, so that the next exec makes a new one. */
  async drop(): Promise<void> {
    const dialled = this.#dialled;
    this.#dialled = undefined;
    const old = await dialled?.catch(() => undefined);
    old?.client.destroy();
    old?.end();
  }

  /** Ends the connection politely. */
  async end(): Promise<void> {
    const dialled = this.#dialled;
    this.#dialled = undefined;
    (await dialled?.catch(() => undefined))?.end();
  }

  /**
   * Runs a command line. Its exit status is an answer, whatever it is.
   * @throws HostError of kind `cut` when the connection goes before the status came; on abort at once, whatever it
   * waits for, the signal's reason
   */
  exec(tried: string, command: string, options: ExecOptions = {}): Promise<ExecResult> {
    const running = this.#channels(async () => {
      options.signal?.throwIfAborted();
      const dialling = this.connect();
      const { client } = await dialling;
      options.signal?.throwIfAborted();
      return await new Promise<ExecResult>((resolve, reject) => {
        const opened = () => {
          client.off("close", lost);
          options.signal?.removeEventListener("abort", aborted);
        };
        const giveUp = (error: unknown) => {
          opened();
          reject(error);
        };
        const lost = () => giveUp(this.#cut(tried));
        const aborted = () => giveUp(options.signal?.reason);
        client.once("close", lost);
        options.signal?.addEventListener("abort", aborted, { once: true });
        try {
          client.exec(command, (error, channel) => {
            if (error) return giveUp(this.#cut(tried, error));
            // Nobody waits for it any more.
            if (options.signal?.aborted) return channel.destroy();
            opened();
            this.counts.channels++;
            // At once: the status of a quick command comes in the same packet as this answer.
            this.#converse(tried, channel, options).then(resolve, reject);
          });
        } catch (error) {
          // A connection that is closing already has not said so yet.
          this.#forget(dialling);
          giveUp(this.#cut(tried, error));
        }
      });
    });
    return untilAborted(running, options.signal);
  }

  async #converse(tried: string, channel: ClientChannel, options: ExecOptions): Promise<ExecResult> {
    const stderr = new Tail(20);
    const errors = new LineSplitter();
    let code: number | undefined;
    let ended = false;
    channel.on("exit", (status: number | null) => {
      ended = true;
      code = status ?? undefined;
    });
    channel.stderr.on("data", (chunk: Buffer) => {
      for (const { text } of errors.push(chunk)) stderr.push(text);
    });
    const abort = () => channel.destroy();
    options.signal?.addEventListener("abort", abort, { once: true });
    try {
      // What the far side does with its input shows in its status: a broken pipe here is no failure of its own.
      const sent = sendAll(channel, options.stdin).catch((error: unknown) => error);
      await readLines(channel, () => ended, options.onLine ?? (() => {}));
      if (options.signal?.aborted) throw options.signal.reason;
      if (!ended) throw this.#cut(tried, await sent);
      const rest = errors.rest();
      if (rest.bytes > 0) stderr.push(rest.text);
      return { code, stderr: stderr.lines() };
    } finally {
      options.signal?.removeEventListener("abort", abort);
    }
  }

  #cut(tried: string, cause?: unknown): HostError {
    return new HostError({
      kind: "cut",
      host: this.connection.name,
      tried,
      problem: "the connection was cut",
      remedy: "run the same command again: it goes on from what it finds",
      cause,
    });
  }
}

async function sendAll(channel: ClientChannel, stdin: string | Readable | undefined): Promise<void> {
  if (stdin === undefined || typeof stdin === "string") channel.end(stdin ?? "");
  else await pipeline(stdin, channel, { end: true });
}

/**
 * Lines go on as they come; nothing is kept, so a chatty act holds no memory. Resolves when the channel closes; what
 * came after the last newline is a line only if the command has ended.
 */
function readLines(
  channel: ClientChannel,
  hasEnded: () => boolean,
  onLine: (line: string, bytes: number) => void,
): Promise<void> {
  const splitter = new LineSplitter();
  return new Promise((resolve, reject) => {
    channel.on("error", reject);
    // Not `for await`: at the end of the data it destroys the channel, before the exit status has come.
    channel.on("data", (chunk: Buffer) => {
      for (const { text, bytes } of splitter.push(chunk)) onLine(text, bytes);
    });
    channel.once("close", () => {
      const rest = splitter.rest();
      if (hasEnded() && rest.bytes > 0) onLine(rest.text, rest.bytes);
      resolve();
    });
  });
}
