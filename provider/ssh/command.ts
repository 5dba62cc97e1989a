import { Readable } from "node:stream";
import { untilAborted } from "./abort.ts";
import { HostError } from "./errors.ts";
import type { Scripts } from "./scripts.ts";
import { shellWord } from "./section.ts";
import type { ExecOptions, ExecResult, Session } from "./session.ts";

const NOT_INSTALLED = 66;

const LACKS: Record<number, readonly [problem: string, remedy: string]> = {
  70: ["it is not Linux", "racksmith knows Debian 12/13 and Ubuntu 22.04/24.04"],
  71: ["it has no bash", "apt-get install bash"],
  72: ["it has no tar or no gzip", "apt-get install tar gzip"],
  73: ["it does not run systemd", "racksmith knows Debian 12/13 and Ubuntu 22.04/24.04"],
};

/** Runs the dispatcher on a node as root, and installs the scripts there when they are missing. */
export class Dispatcher {
  readonly #session: Session;
  readonly #scripts: Promise<Scripts>;
  #installing: Promise<void> | undefined;
  #installed = false;

  constructor(session: Session, scripts: Promise<Scripts>) {
    this.#session = session;
    this.#scripts = scripts;
  }

  /** `args` are words of racksmith's own making; what people wrote goes through `options.stdin`. */
  async run(tried: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const scripts = await this.#scripts;
    const line = [scripts.run, ...args].map(shellWord).join(" ");
    const present = `[ -x ${shellWord(scripts.run)} ] || exit ${NOT_INSTALLED}`;
    // A stream is spent by the first call: whether there is anything to call has to be known before.
    if (options.stdin instanceof Readable && !this.#installed) {
      const { code } = await this.#asRoot(tried, present, signalOf(options));
      if (code === NOT_INSTALLED) await untilAborted(this.#installOnce(scripts), options.signal);
    }
    const script = `${present}; exec ${line}`;
    let result = await this.#asRoot(tried, script, options);
    if (result.code === NOT_INSTALLED) {
      await untilAborted(this.#installOnce(scripts), options.signal);
      result = await this.#asRoot(tried, script, options);
    }
    this.#installed = true;
    return result;
  }

  #installOnce(scripts: Scripts): Promise<void> {
    this.#installing ??= this.#install(scripts).finally(() => {
      this.#installing = undefined;
    });
    return this.#installing;
  }

  async #install(scripts: Scripts): Promise<void> {
    const tried = "installing the scripts";
    const archive = await scripts.archive();
    const result = await this.#asRoot(tried, scripts.install, { stdin: Readable.from([archive]) });
    if (result.code === 0) return;
    const [problem, remedy] = LACKS[result.code ?? -1] ?? [
      `exit status ${result.code ?? "none"}`,
      "is the disk full, or /usr read-only?",
    ];
    const kind = result.code !== undefined && result.code in LACKS ? "not supported" : "failed";
    throw new HostError({
      kind,
      host: this.#session.connection.name,
      tried,
      problem,
      lastLines: result.stderr,
      remedy,
    });
  }

  async #asRoot(tried: string, script: string, options: ExecOptions): Promise<ExecResult> {
    const { user, name } = this.#session.connection;
    const sudo = user === "root" ? "" : "sudo -n ";
    const result = await this.#session.exec(tried, `${sudo}/bin/sh -c ${shellWord(script)}`, options);
    if (result.code !== 0) refuseLogin(name, user, tried, result);
    return result;
  }
}

function signalOf({ signal }: ExecOptions): ExecOptions {
  return signal === undefined ? {} : { signal };
}

/** @throws when sudo or the login shell, not the script, ended the command */
function refuseLogin(host: string, user: string, tried: string, { code, stderr }: ExecResult): void {
  const text = stderr.join("\n");
  const said = { host, tried, lastLines: stderr.slice(-5) };
  if (
    /sudo: (a password is required|a terminal is required|no tty present|sorry, you must have a tty)/.test(
      text,
    )
  ) {
    throw new HostError({
      ...said,
      kind: "sudo",
      problem: `sudo asks ${user} for a password`,
      remedy: `on the host: echo '${user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/racksmith && chmod 440 /etc/sudoers.d/racksmith`,
    });
  }
  if (/is not in the sudoers file|may not run sudo|is not allowed to (execute|run)/.test(text)) {
    throw new HostError({
      ...said,
      kind: "sudo",
      problem: `${user} may not use sudo`,
      remedy: "log in as root, or let the user use sudo without a password",
    });
  }
  if (code === 127 && /sudo.*not found/.test(text)) {
    throw new HostError({
      ...said,
      kind: "sudo",
      problem: `${user} is not root and there is no sudo`,
      remedy: "log in as root, or install sudo",
    });
  }
  if (/This account is currently not available|nologin/.test(text)) {
    throw new HostError({
      ...said,
      kind: "login",
      problem: `${user} has no login shell`,
      remedy: "choose another connection.user",
    });
  }
}
