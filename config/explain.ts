import { closest, distance } from "fastest-levenshtein";
import type { z } from "zod";
import { type Problem, printable, show } from "./problem.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** What explaining needs to know beside the issue itself. */
export interface Explaining {
  /** The value that was parsed, to say what was found. */
  raw: unknown;
  /** Where a path of `raw` stands in the file the user wrote. */
  locate(path: Path): string;
  /** Keys known at a path, for suggestions. */
  knownKeys(path: Path): readonly string[];
  /** Whether the value at a path must not be shown. */
  isSecret(path: Path): boolean;
}

/** zod's issues as problems: one a wrong value, with what was found and what is allowed. */
export function explain(issues: readonly Issue[], context: Explaining): Problem[] {
  return issues.flatMap((issue) => explainOne(issue, issue.path, context));
}

function explainOne(issue: Issue, path: Path, context: Explaining): Problem[] {
  const at = context.locate(path);
  const value = valueAt(context.raw, path);
  const found = `found ${context.isSecret(path) ? "[secret]" : show(value)}`;
  const own = ownMessage(issue);
  if (own !== undefined) {
    return [{ path: at, problem: `${value === undefined ? "is missing" : found}, ${lowerFirst(own)}` }];
  }
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, path, context));
    case "invalid_type":
      return value === undefined
        ? [{ path: at, problem: "is missing", allowed: article(issue.expected) }]
        : [{ path: at, problem: found, allowed: article(issue.expected) }];
    case "invalid_value":
      return [{ path: at, problem: found, allowed: issue.values.map(String).join(", ") }];
    case "too_small":
      return [{ path: at, problem: found, allowed: bound("at least", issue.minimum, issue) }];
    case "too_big":
      return [{ path: at, problem: found, allowed: bound("at most", issue.maximum, issue) }];
    case "invalid_union":
      return explainUnion(issue, path, context);
    case "invalid_key":
    case "invalid_element":
      return issue.issues.map((inner) => ({ path: at, problem: `${found}, ${lowerFirst(inner.message)}` }));
    default:
      return [{ path: at, problem: `${found}, ${lowerFirst(issue.message)}` }];
  }
}

/** What the schema itself says to a missing value or a wrong size: it knows the remedy. */
function ownMessage({ code, message }: Issue): string | undefined {
  if (code !== "invalid_type" && code !== "too_small" && code !== "too_big") return undefined;
  return /^(Invalid input|Too small|Too big): /.test(message) ? undefined : message;
}

/** The problems of the branch that came closest: the one whose issues lie deepest and are fewest. */
function explainUnion(issue: Extract<Issue, { code: "invalid_union" }>, path: Path, context: Explaining) {
  const branches = issue.errors.filter((branch) =>
    branch.some((inner) => inner.path.length > 0 || !wrongType(inner)),
  );
  const best = branches.toSorted((a, b) => a.length - b.length)[0];
  if (best !== undefined)
    return best.flatMap((inner) => explainOne(inner, [...path, ...inner.path], context));
  const found = context.isSecret(path) ? "[secret]" : show(valueAt(context.raw, path));
  const expected = issue.errors
    .flat()
    .map((inner) => ("expected" in inner ? article(inner.expected) : inner.message));
  const allowed = [...new Set(expected)].join(" or ");
  const problem: Problem = { path: context.locate(path), problem: `found ${found}` };
  return [
    allowed === ""
      ? { ...problem, problem: `${problem.problem}, ${lowerFirst(issue.message)}` }
      : { ...problem, allowed },
  ];
}

function wrongType(issue: Issue): boolean {
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

function unknownKey(key: string, path: Path, context: Explaining): Problem {
  const known = context.knownKeys(path);
  const nearest = nearestName(key, known);
  const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  const problem = {
    path: context.locate([...path, key]),
    problem: `is not a key that racksmith knows${hint}`,
  };
  return known.length > 0 ? { ...problem, allowed: known.join(", ") } : problem;
}

/** The known name a person probably meant: at most a third of its letters away. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || name.length > 100) return undefined;
  const nearest = closest(name.toLowerCase(), [...known]);
  return distance(name.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, nearest.length / 3)
    ? nearest
    : undefined;
}

function bound(
  word: string,
  limit: number | bigint,
  issue: { origin: string; inclusive?: boolean | undefined },
): string {
  const more = issue.inclusive === false ? (word === "at least" ? "more than" : "less than") : word;
  const unit = issue.origin === "string" ? " characters" : issue.origin === "array" ? " entries" : "";
  return `${more} ${limit}${unit}`;
}

function article(expected: string): string {
  const names: Record<string, string> = {
    int: "a whole number",
    number: "a number",
    string: "a string",
    boolean: "true or false",
    array: "a list",
    object: "a mapping",
    record: "a mapping",
  };
  return names[expected] ?? expected;
}

/** A schema's own message, which may quote what it was given. */
function lowerFirst(text: string): string {
  return printable(text.charAt(0).toLowerCase() + text.slice(1));
}

/** The value at a path of plain data; undefined where the path leads nowhere. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}
