import { type HostError, isHostError } from "./errors.ts";

/** Pauses of 1, 2, 4 … 30 s until `totalMs` have gone by. */
export class Backoff {
  readonly #until: number;
  #pauseMs: number;

  constructor(totalMs: number, firstMs = 1_000) {
    this.#until = Date.now() + totalMs;
    this.#pauseMs = firstMs;
  }

  get spent(): boolean {
    return Date.now() >= this.#until;
  }

  /** Waits a little longer than the last time. @throws the signal's reason on abort */
  async pause(signal?: AbortSignal): Promise<void> {
    const ms = Math.min(this.#pauseMs, Math.max(0, this.#until - Date.now()));
    this.#pauseMs = Math.min(this.#pauseMs * 2, 30_000);
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(done, ms);
      function done() {
        signal?.removeEventListener("abort", aborted);
        resolve();
      }
      function aborted() {
        clearTimeout(timer);
        reject(signal?.reason);
      }
      signal?.addEventListener("abort", aborted, { once: true });
    });
  }
}

/** Failures after which the same host may answer again by itself. */
export function mayPass(error: unknown): error is HostError {
  return isHostError(error, "cut", "unreachable");
}

/**
 * As `mayPass`, for a host that has let us in before: a machine that is still booting turns users away
 * (pam_nologin), which looks as if their key were not accepted.
 */
export function mayPassAgain(error: unknown): error is HostError {
  return mayPass(error) || isHostError(error, "login");
}
