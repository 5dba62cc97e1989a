/** What the exit code of `racksmith` means; `--help` prints the same list. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** Another run holds the stack. */
  locked: 3,
  /** A person said no, or must say yes first (a changed host key, for instance). */
  refused: 4,
  /** 128 + SIGINT. */
  interrupted: 130,
} as const;

export const exitCodesHelp = `
Exit codes:
  0    done
  1    failed, or (doctor, test) something needed is missing or wrong
  2    the command line is wrong
  3    another run holds this stack
  4    refused: not confirmed, or a host key that is not the pinned one
  130  interrupted by Ctrl-C`;

/** An error meant for the person at the terminal: shown as it is, without a stack trace. */
export class CliError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
