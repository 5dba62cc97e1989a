import type { z } from "zod";
import { type EngineName, tierDefaults } from "../tiers/defaults.ts";
import { type Connection, connectionSchema } from "./connection.ts";
import { checkFleet, checkNode } from "./cross-checks.ts";
import { type Explaining, explain, nearestName, valueAt } from "./explain.ts";
import { hostKeys, splitHost } from "./hosts.ts";
import { isMapping, type Mapping, merge } from "./merge.ts";
import { type Problem, show } from "./problem.ts";
import { isSecretPath, jsonSchemaOf, keysAt } from "./schema-tree.ts";
import { emptySection, type SectionName, type Sections, sectionNames, sections } from "./sections.ts";
import { TIER_NAMES, type TierName, tierName } from "./tier.ts";

export { ConfigError, formatProblem, type Problem } from "./problem.ts";

/** Everything about one host: its connection and every section, its own values and the tier's defaults merged in. */
export type NodeConfig = Omit<Sections, "raid"> & {
  tier: TierName;
  connection: Connection;
  /** Absent where `vault.device` names the device and no array was asked for. */
  raid?: Sections["raid"];
};

export interface StackConfig {
  /** In the order of `racksmith:hosts`. */
  hosts: NodeConfig[];
}

export type ParsedStack = { config: StackConfig } | { problems: Problem[] };

const topKeys: readonly string[] = ["tier", "hosts", ...sectionNames];
const schemaOf = new Map<string, ReturnType<typeof jsonSchemaOf>>();

/**
 * The whole of a stack's configuration: `raw` holds the values of the `racksmith:` keys without that prefix, as
 * plain data with secrets decrypted. Either everything is right or every problem is returned. Pure.
 */
export function parseStackConfig(raw: Record<string, unknown>): ParsedStack {
  const problems = [...unknownTopKeys(raw), ...hiddenSections(raw), ...unprintable(raw)];
  const stackTier = parseTier(raw, "tier", problems, true);
  const nodes = hostList(raw, problems).map((entry, index) =>
    parseHost(raw, entry, index, stackTier, problems),
  );
  problems.push(...checkFleet(nodes));
  if (problems.length > 0) return { problems: unique(problems) };
  return { config: { hosts: nodes.filter(isComplete) } };
}

type PartialNode = Partial<NodeConfig> & { tier: TierName };

function parseHost(
  raw: Record<string, unknown>,
  entry: Mapping,
  index: number,
  stackTier: TierName,
  problems: Problem[],
): PartialNode {
  const at = `hosts/${index}`;
  const { connection, overrides, unknown } = splitHost(entry);
  for (const key of unknown) problems.push(unknownKey(`${at}/${key}`, key, hostKeys));
  const tier = entry.tier === undefined ? stackTier : parseTier(entry, `${at}/tier`, problems, false);
  const node: PartialNode = { tier };
  const parsed = parse(
    "connection",
    connectionSchema,
    connection,
    (path) => [at, ...path].join("/"),
    problems,
  );
  if (parsed) node.connection = parsed;
  const defaults = tierDefaults(tier, chosenEngine(raw, overrides));
  for (const name of Object.keys(sections) as SectionName[]) {
    const [own, shared] = [overrides[name], Object.hasOwn(raw, name) ? raw[name] : undefined];
    const merged = merge(defaults[name] ?? emptySection(name), merge(shared, own));
    if (name === "raid" && own === undefined && shared === undefined && hasDevice(raw, overrides)) continue;
    const locate = (path: readonly PropertyKey[]) =>
      isOwn(own, shared, path) ? [at, name, ...path].join("/") : [name, ...path].join("/");
    const section = parse(name, sections[name], merged, locate, problems);
    if (section !== undefined) Object.assign(node, { [name]: section });
  }
  problems.push(...checkNode(node, at));
  return node;
}

/** Parses one part; a wrong one is explained into `problems`. */
function parse<S extends z.ZodType>(
  name: string,
  schema: S,
  value: unknown,
  locate: (path: readonly PropertyKey[]) => string,
  problems: Problem[],
): z.output<S> | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const tree = schemaOf.get(name) ?? jsonSchemaOf(schema);
  schemaOf.set(name, tree);
  const context: Explaining = {
    raw: value,
    locate,
    knownKeys: (path) => (name === "connection" && path.length === 0 ? hostKeys : keysAt(tree, path)),
    isSecret: (path) => isSecretPath(tree, path),
  };
  problems.push(...explain(result.error.issues, context));
  return undefined;
}

function parseTier(from: Mapping, at: string, problems: Problem[], required: boolean): TierName {
  const given = Object.hasOwn(from, "tier") ? from.tier : undefined;
  const result = tierName.safeParse(given);
  if (result.success) return result.data;
  const allowed = TIER_NAMES.join(", ");
  if (given !== undefined) problems.push({ path: at, problem: `found ${show(given)}`, allowed });
  else if (required) problems.push({ path: at, problem: "is missing", allowed });
  // The other problems are still looked for; with this one reported, the result is not used.
  return "entry-4090";
}

function hostList(raw: Record<string, unknown>, problems: Problem[]): Mapping[] {
  const hosts = Object.hasOwn(raw, "hosts") ? raw.hosts : undefined;
  const allowed = "a list of hosts, each with name, address and hostKeys";
  if (!Array.isArray(hosts) || hosts.length === 0 || hosts.length > 1000) {
    const problem = hosts === undefined ? "is missing" : `found ${show(hosts)}`;
    problems.push({ path: "hosts", problem, allowed: `${allowed} (1 to 1000)` });
    return [];
  }
  hosts.forEach((entry, index) => {
    if (!isMapping(entry))
      problems.push({ path: `hosts/${index}`, problem: `found ${show(entry)}`, allowed: "a mapping" });
  });
  return hosts.map((entry) => (isMapping(entry) ? entry : {}));
}

function unknownTopKeys(raw: Record<string, unknown>): Problem[] {
  return Object.keys(raw)
    .filter((key) => !topKeys.includes(key))
    .map((key) => unknownKey(key, key, topKeys));
}

/** A shared section that a host's own would hide although it is wrong. */
function hiddenSections(raw: Record<string, unknown>): Problem[] {
  return (Object.keys(sections) as SectionName[])
    .filter((name) => Object.hasOwn(raw, name) && !isLike(raw[name], emptySection(name)))
    .map((name) => ({
      path: name,
      problem: `found ${show(raw[name])}`,
      allowed: Array.isArray(emptySection(name)) ? "a list" : "a mapping",
    }));
}

function isLike(value: unknown, example: unknown): boolean {
  return Array.isArray(example) ? Array.isArray(value) : isMapping(value);
}

function unknownKey(path: string, key: string, known: readonly string[]): Problem {
  const nearest = nearestName(key, known);
  const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  return { path, problem: `is not a key that racksmith knows${hint}`, allowed: known.join(", ") };
}

/** No string anywhere may hold a NUL: nothing a host reads can carry one. */
function unprintable(value: unknown, path: readonly string[] = []): Problem[] {
  if (typeof value === "string") {
    return value.includes("\0") ? [{ path: path.join("/"), problem: "holds a NUL character" }] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => unprintable(part, [...path, key]));
}

/** Whether the value at a path was written in the host's own entry (or would have to be, since only that exists). */
function isOwn(own: unknown, shared: unknown, path: readonly PropertyKey[]): boolean {
  if (own === undefined) return false;
  if (path.length === 0 || shared === undefined || valueAt(own, path) !== undefined) return true;
  return (
    path.length > 1 && valueAt(own, path.slice(0, -1)) !== undefined && valueAt(shared, path) === undefined
  );
}

/** The engine that the user named; its settings and image are the defaults then. */
function chosenEngine(raw: Record<string, unknown>, overrides: Mapping): EngineName {
  const named = [overrides, raw].map((from) => valueAt(from, ["inference", "settings", "engine"]));
  return named.find((engine) => engine !== undefined) === "llamacpp" ? "llamacpp" : "vllm";
}

function hasDevice(raw: Record<string, unknown>, overrides: Mapping): boolean {
  return [raw.vault, overrides.vault].some((vault) => isMapping(vault) && vault.device !== undefined);
}

function isComplete(node: PartialNode): node is NodeConfig {
  return node.connection !== undefined;
}

/** The same problem of a shared section is found once a host: say it once. */
function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
