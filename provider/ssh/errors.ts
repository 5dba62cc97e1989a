/** What went wrong with a host, so that callers can tell "down" from "refused us" from "the work failed". */
export type HostErrorKind =
  | "unreachable"
  | "host key"
  | "login"
  | "sudo"
  | "not supported"
  | "cut"
  | "cancelled"
  | "refused"
  | "failed"
  | "still differs";

export interface HostErrorParts {
  kind: HostErrorKind;
  /** `connection.name` */
  host: string;
  /** What racksmith was doing: `connecting to 10.0.0.5:22`, `raid apply`. */
  tried: string;
  /** What came of it, in one line. */
  problem: string;
  /** Last lines of output, already redacted. */
  lastLines?: readonly string[];
  /** What a person should do next. */
  remedy?: string;
  cause?: unknown;
}

/** An operational failure on a host. Its message is complete: host, what was tried, what was found, what to do. */
export class HostError extends Error {
  readonly kind: HostErrorKind;
  readonly host: string;
  readonly parts: HostErrorParts;

  constructor(parts: HostErrorParts) {
    super(message(parts), parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = "HostError";
    this.kind = parts.kind;
    this.host = parts.host;
    this.parts = parts;
  }
}

function message({ host, tried, problem, lastLines, remedy }: HostErrorParts): string {
  const lines = [`${host}: ${tried}: ${problem}`];
  for (const line of lastLines ?? []) lines.push(`  | ${line}`);
  if (remedy !== undefined) lines.push(`  → ${remedy}`);
  return lines.join("\n");
}

export function isHostError(error: unknown, ...kinds: HostErrorKind[]): error is HostError {
  return error instanceof HostError && (kinds.length === 0 || kinds.includes(error.kind));
}

/**
 * The host could not be looked at, as far as this connection goes: it is away, or it is not, or no longer, the
 * machine that these pins, this user and this key are for. Nothing is known about its resources then.
 */
export function couldNotLook(error: unknown): error is HostError {
  return isHostError(error, "unreachable", "cut", "host key", "login", "sudo", "not supported");
}
