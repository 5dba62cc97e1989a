import { parse } from "yaml";
import { ConfigError, parseStackConfig } from "./index.ts";
import { isMapping, type Mapping } from "./merge.ts";
import type { Problem } from "./problem.ts";

const PREFIX = "racksmith:";

/** The `racksmith:` keys of a `Pulumi.<stack>.yaml`, without the prefix. Encrypted values stay `{secure: …}`. */
export function stackFileValues(text: string): Mapping {
  const file: unknown = parse(text);
  const config = isMapping(file) ? file.config : undefined;
  if (!isMapping(config))
    throw new ConfigError([{ path: "config", problem: "is missing", allowed: "a mapping" }]);
  const own = Object.entries(config).filter(([key]) => key.startsWith(PREFIX));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(PREFIX.length), value]));
}

/**
 * Problems of a stack file without its passphrase at hand. What is encrypted cannot be looked into, so nothing is
 * said about it.
 */
export function checkStackFile(text: string): Problem[] {
  const { values, encrypted } = withStandIns(stackFileValues(text));
  const parsed = parseStackConfig(values);
  if (!("problems" in parsed)) return [];
  return parsed.problems.filter(
    ({ path }) => !encrypted.some((at) => path === at || path.startsWith(`${at}/`)),
  );
}

/** The values with each encrypted one replaced by a text that passes for it, and the paths of those. */
export function withStandIns(values: Mapping): { values: Mapping; encrypted: string[] } {
  const encrypted: string[] = [];
  return { values: standIns(values, [], encrypted) as Mapping, encrypted };
}

/** `{secure: …}`, as the engine leaves a value that it has encrypted. */
export function isEncrypted(value: unknown): boolean {
  return isMapping(value) && Object.keys(value).length === 1 && typeof value.secure === "string";
}

/** Stands for a secret that cannot be read: long enough and plain enough for every rule about secrets. */
const STAND_IN = "encrypted-encrypted-encrypted-encrypted";

function standIns(value: unknown, path: readonly string[], encrypted: string[]): unknown {
  if (Array.isArray(value))
    return value.map((part, index) => standIns(part, [...path, String(index)], encrypted));
  if (!isMapping(value)) return value;
  if (isEncrypted(value)) {
    encrypted.push(path.join("/"));
    return STAND_IN;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, standIns(part, [...path, key], encrypted)]),
  );
}
