import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkStackFile, stackFileValues } from "../../config/file.ts";
import { schemaText } from "../../config/generate-schema.ts";
import { parseStackConfig } from "../../config/index.ts";
import { isMapping, type Mapping } from "../../config/merge.ts";
import { keysAt, type SchemaNode, schemasAt } from "../../config/schema-tree.ts";
import { sectionNames } from "../../config/sections.ts";
import { stackFileSchema } from "../../config/stack-schema.ts";
import { TIER_NAMES } from "../../config/tier.ts";
import { hostKey } from "./sample.ts";

const folder = new URL("../../examples/", import.meta.url);
const fileOf = (tier: string) => new URL(`Pulumi.${tier}.example.yaml`, folder);
const stackFileHosts = (tier: string) =>
  stackFileValues(readFileSync(fileOf(tier), "utf8")).hosts as Mapping[];
/** The example as it is once its hosts are trusted. */
function read(tier: string): string {
  return readFileSync(fileOf(tier), "utf8").replaceAll(
    /# (?:REQUIRED )?hostKeys.*/g,
    `hostKeys: [${hostKey}]`,
  );
}

test("there is one example a tier", () => {
  const names = readdirSync(folder).filter((name) => name.startsWith("Pulumi."));
  expect(names.toSorted()).toEqual(TIER_NAMES.map((tier) => `Pulumi.${tier}.example.yaml`).toSorted());
});

describe.each(TIER_NAMES)("%s", (tier) => {
  test("lacks only the pins that `racksmith trust` writes, encrypted values included", () => {
    const missing = checkStackFile(readFileSync(fileOf(tier), "utf8")).map(({ path }) => path);
    expect(missing).toEqual(stackFileHosts(tier).map((_, at) => `hosts/${at}/hostKeys`));
    expect(checkStackFile(read(tier))).toEqual([]);
    expect(stackFileValues(read(tier)).tier).toBe(tier);
  });

  test("a slip in it is found", () => {
    const slips = [
      ["level: 1", "lvel: 1", "racksmith:raid"],
      ["memoryGiB", "memoryGib", "racksmith:host"],
      ["engine: vllm", "engine: vlm", "racksmith:inference"],
    ] as const;
    for (const [right, wrong] of slips) {
      expect(checkStackFile(read(tier).replace(right, wrong)).length, wrong).toBeGreaterThan(0);
    }
  });
});

test("the entry-4090 example shows the default wherever it says that there is one", () => {
  const full = withSecrets(stackFileValues(read("entry-4090")));
  const bare = onlyRequired(full);
  const [long, short] = [parseStackConfig(full), parseStackConfig(bare)];
  expect("problems" in short ? short.problems : []).toEqual([]);
  expect(long).toEqual(short);
});

test("the entry-4090 example has every section", () => {
  const { tier, hosts, ...sections } = stackFileValues(read("entry-4090"));
  expect([tier, hosts]).not.toContain(undefined);
  expect(Object.keys(sections).toSorted()).toEqual([...sectionNames].toSorted());
});

test("every key of the schema stands in its section of the entry-4090 example", () => {
  const config = stackFileSchema().properties?.config?.properties ?? {};
  const definitions = stackFileSchema().definitions as Record<string, SchemaNode>;
  const parts = readFileSync(fileOf("entry-4090"), "utf8").split(/^ {2}racksmith:/m);
  const missing = ["hosts", ...sectionNames].flatMap((section) => {
    const text = parts.find((part) => part.startsWith(`${section}:`)) ?? "";
    const paths = keyPaths(definitions[section] ?? config[`racksmith:${section}`] ?? {});
    expect(paths.length, section).toBeGreaterThan(0);
    return paths
      .filter((path) => !new RegExp(`(?<![\\w.-])${path.at(-1)}:`).test(text))
      .map((path) => [section, ...path].join("."));
  });
  expect([...new Set(missing)]).toEqual([]);
});

describe("schema.json", () => {
  test("is what the schemas say (node config/generate-schema.ts writes it)", () => {
    const committed = readFileSync(new URL("../../config/schema.json", import.meta.url), "utf8");
    expect(JSON.parse(committed)).toEqual(JSON.parse(schemaText()));
  });

  test("knows every key of the example", () => {
    const root = stackFileSchema();
    const config = root.properties?.config ?? {};
    expect(keysAt(config, [])).toEqual([
      "racksmith:tier",
      "racksmith:hosts",
      ...sectionNames.map((name) => `racksmith:${name}`),
    ]);
    const raw = stackFileValues(read("entry-4090"));
    for (const name of sectionNames) {
      const section = (root.definitions as Record<string, SchemaNode>)[name] ?? {};
      if (isMapping(raw[name]))
        expect(keysAt(section, [])).toEqual(expect.arrayContaining(Object.keys(raw[name])));
    }
  });

  test("takes a secret as text or as Pulumi leaves it", () => {
    const vault = (stackFileSchema().definitions as Record<string, SchemaNode>).vault;
    expect(JSON.stringify(vault?.properties?.key)).toContain('"secure"');
  });
});

/** Every key below a node, by its path without list indices; what stands in other sections, or is Pulumi's, left out. */
function keyPaths(root: SchemaNode, at: readonly PropertyKey[] = []): string[][] {
  const named = (keys: readonly PropertyKey[]) => keys.filter((key) => key !== 0 && key !== "*").map(String);
  const own = keysAt(root, at).filter((key) => key !== "secure" && !sectionNames.includes(key));
  const entries = [0, "*"].filter((step) => schemasAt(root, [...at, step]).length > 0);
  return [
    ...own.map((key) => named([...at, key])),
    ...[...own, ...entries].flatMap((step) => keyPaths(root, [...at, step])),
  ];
}

/** What the file says REQUIRED of, and the two lines that have no default (how to log in). */
function onlyRequired(raw: Mapping): Mapping {
  const pick = (from: unknown, keys: readonly string[]) =>
    Object.fromEntries(Object.entries(from as Mapping).filter(([key]) => keys.includes(key)));
  const hosts = raw.hosts as Mapping[];
  return {
    tier: raw.tier,
    hosts: hosts.map((host) => pick(host, ["name", "address", "hostKeys", "privateKeyFile", "raid"])),
    vault: pick(raw.vault, ["key"]),
    weights: pick(raw.weights, ["name", "version", "source"]),
    inference: pick(raw.inference, ["servedName", "apiKeys"]),
  };
}

/** Values for what is encrypted. */
function withSecrets(value: unknown): Mapping {
  const change = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(change);
    if (!isMapping(part)) return part;
    if (typeof part.secure === "string") return "a secret of at least 24 characters".replaceAll(" ", "-");
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, change(inner)]));
  };
  return change(value) as Mapping;
}
