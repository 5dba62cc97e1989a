import pLimit from "p-limit";
import type { Connection } from "../../config/connection.ts";
import type { ScriptInputs, Upload } from "../noun.ts";
import type { Report } from "../report.ts";
import { type ActResult, runAct } from "./act.ts";
import { Dispatcher } from "./command.ts";
import { Observer } from "./observe.ts";
import { rebootHost } from "./reboot.ts";
import type { Redactor } from "./redact.ts";
import type { Scripts } from "./scripts.ts";
import { Session } from "./session.ts";
import { sendFile } from "./upload.ts";

export interface HostOptions {
  redactor: Redactor;
  scripts: Promise<Scripts>;
  /** Bound on looking for a host that went away during an act, in ms. */
  reattachMs: number;
  signal: AbortSignal;
  /** Bounds connecting over all hosts. */
  dialLimit: <T>(work: () => Promise<T>) => Promise<T>;
}

/** A host as the lifecycle sees it. */
export interface Host {
  readonly name: string;
  observe(noun: string, inputs: ScriptInputs, report: Report): Promise<unknown>;
  act(
    noun: string,
    verb: "apply" | "remove",
    key: string,
    inputs: ScriptInputs,
    report: Report,
  ): Promise<ActResult>;
  upload(upload: Upload, report: Report): Promise<void>;
  reboot(report: Report): Promise<void>;
  /** One at a time on this host: a reboot must not come under another resource's act. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
}

/** A host over SSH: one session, one cache of what was observed. */
export class SshHost implements Host {
  readonly name: string;
  readonly session: Session;
  readonly #options: HostOptions;
  readonly #dispatcher: Dispatcher;
  readonly #observer: Observer;
  readonly #exclusive = pLimit(1);
  #settled: Promise<unknown> = Promise.resolve();

  constructor(connection: Connection, options: HostOptions) {
    this.name = connection.name;
    this.session = new Session(connection);
    this.#options = options;
    this.#dispatcher = new Dispatcher(this.session, options.scripts);
    this.#observer = new Observer(this.name, this.#dispatcher, () => this.#reachable(), options.signal);
  }

  async #reachable(): Promise<void> {
    await this.#settled;
    await this.#options.dialLimit(() => this.session.connect());
  }

  observe(noun: string, inputs: ScriptInputs, report: Report): Promise<unknown> {
    return this.#observer.observe(noun, inputs, report);
  }

  async act(
    noun: string,
    verb: "apply" | "remove",
    key: string,
    inputs: ScriptInputs,
    report: Report,
  ): Promise<ActResult> {
    const request = { host: this.name, noun, verb, key, inputs };
    try {
      return await runAct(request, { ...this.#options, dispatcher: this.#dispatcher, report });
    } finally {
      this.#observer.forget();
    }
  }

  async upload(upload: Upload, report: Report): Promise<void> {
    try {
      await sendFile(upload, { ...this.#options, host: this.name, dispatcher: this.#dispatcher, report });
    } finally {
      this.#observer.forget();
    }
  }

  async reboot(report: Report): Promise<void> {
    const rebooting = rebootHost(this.session, this.#dispatcher, report, this.#options.signal);
    this.#settled = rebooting.catch(() => undefined);
    try {
      await rebooting;
    } finally {
      this.#observer.forget();
    }
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#exclusive(work);
  }
}
