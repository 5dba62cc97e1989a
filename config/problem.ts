/** One thing wrong with the configuration: data first, text only at the edge. */
export interface Problem {
  /** `hosts/0/address`: section, then keys and list positions. */
  path: string;
  /** What was found and why it cannot be used. Never a secret. */
  problem: string;
  /** What would be accepted, where that can be said in a line. */
  allowed?: string;
}

/** Every problem of a stack's configuration at once. Nothing has been connected to. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], stack = "the stack") {
    const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
    super(`${problems.length} problem(s) in the configuration of ${stack}:\n${lines.join("\n")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** `hosts/0/port: found 70000, allowed 1 to 65535`. */
export function formatProblem({ path, problem, allowed }: Problem): string {
  return allowed === undefined ? `${path}: ${problem}` : `${path}: ${problem}, allowed ${allowed}`;
}

const SHOWN_CHARACTERS = 60;

/** A value as a message may show it: quoted, cut, and without anything a terminal would obey. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "a mapping";
  if (typeof value !== "string") return String(value);
  const cut = value.length > SHOWN_CHARACTERS;
  const quoted = printable(JSON.stringify(cut ? value.slice(0, SHOWN_CHARACTERS) : value));
  return cut ? `${quoted}… (${value.length} characters)` : quoted;
}

const LONGEST_MESSAGE = 1000;

/** Text in which everything that a terminal would obey is spelled out; cut where it is no message any more. */
export function printable(text: string): string {
  const spelled = text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return spelled.length > LONGEST_MESSAGE ? `${spelled.slice(0, LONGEST_MESSAGE)}…` : spelled;
}
