import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { connectionSchema } from "../../config/connection.ts";
import { valueAt } from "../../config/explain.ts";
import { formatProblem, parseStackConfig } from "../../config/index.ts";
import { isMapping, type Mapping } from "../../config/merge.ts";
import { jsonSchemaOf, type SchemaNode } from "../../config/schema-tree.ts";
import { type SectionName, sections } from "../../config/sections.ts";
import { hostKey, problemsOf, sample, sampleWith } from "./sample.ts";

const hostile = [
  "$(touch /tmp/owned)",
  "`id`",
  "a'b\"c",
  "a\nb",
  "../../etc/passwd",
  "-oProxyCommand=id",
  "a;b",
  "x\0y",
  "\u202egnp.exe",
  "x".repeat(10_000),
  "{{ .Env.SECRET }}",
  "%n%s",
  "",
];

/** Paths of every plain text field of a section, from its own schema: a new field is covered by itself. */
function textFields(node: SchemaNode, path: string): string[] {
  const inner = Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    textFields(child, `${path}/${key}`),
  );
  const variants = [...(node.anyOf ?? []), ...(node.oneOf ?? [])].flatMap((one) => textFields(one, path));
  const own =
    node.type === "string" && node.enum === undefined && node.const === undefined && !node.writeOnly;
  const entries = node.items ? textFields(node.items, `${path}/0`) : [];
  return [...new Set([...(own ? [path] : []), ...inner, ...entries, ...variants])];
}

const fields = [
  ...(Object.keys(sections) as SectionName[]).flatMap((name) =>
    textFields(jsonSchemaOf(sections[name]), name),
  ),
  ...textFields(jsonSchemaOf(connectionSchema), "hosts/0"),
];

/**
 * Fields that are free text for a reader of their own (a path on the workstation, a script, a key block): they may
 * hold anything but NUL, and nothing splices them into a command.
 */
const freeText = /directory$|privateKeyFile$|\/key$|^files\/0\/content$|^hooks\/.*run$/;

/** What has to stand beside a field so that it, and not its absence, is looked at. */
const siblings: readonly (readonly [RegExp, Mapping])[] = [
  [/onChange\/0\/unit$/, { kind: "reload" }],
  [/onChange\/0\/container$/, { kind: "signal" }],
  [/receivers\/0\//, { kind: "wecom-app", corpId: "a", agentId: "1", apiSecret: "s" }],
  [/jump(\/0)?\//, { address: "192.0.2.1", hostKeys: [hostKey] }],
];

test("the fields are found", () => {
  expect(fields.length).toBeGreaterThan(40);
  expect(fields).toContain("hosts/0/address");
  expect(fields).toContain("weights/name");
});

describe.each(fields)("%s", (field) => {
  test("takes no hostile text, and shows it harmlessly", () => {
    for (const text of hostile) {
      const problems = problemsOf(put(field, text));
      const told = problems.map(formatProblem).join("\n");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
      expect(told.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
      expect(told.length).toBeLessThan(20_000);
      const about = problems.some(({ path }) => path.startsWith(field) || field.startsWith(path));
      if (text.includes("\0") || !freeText.test(field)) {
        // Empty text means "none" in a few fields; anything else that got through must be plain.
        if (!about && text !== "") expect(text, field).toMatch(/^[\w.@:/+-]+$/);
      }
    }
  });
});

/** With the rest of a jump host beside one of its fields, so that only that field can be wrong. */
function put(field: string, text: string): Mapping {
  const raw = sampleWith(field, text);
  const [host] = raw.hosts as Mapping[];
  // A host's own value hides the stack's: here the stack's is what is looked at.
  if (host && field.startsWith("raid")) {
    delete host.raid;
    raw.raid = { members: ["S6A1", "S6A2"], ...(raw.raid as Mapping) };
  }
  const holder = valueAt(raw, field.split("/").slice(0, -1));
  for (const [fields, beside] of siblings) {
    if (isMapping(holder) && fields.test(field)) Object.assign(holder, { ...beside, ...holder });
  }
  return raw;
}

const json = fc.jsonValue({ maxDepth: 4 });

test("any value in any place gives problems or a configuration, never an exception", () => {
  const places = fc.constantFrom(
    "tier",
    "hosts",
    "hosts/0",
    "hosts/0/name",
    ...Object.keys(sections),
    ...fields,
  );
  fc.assert(
    fc.property(places, json, (place, value) => {
      const parsed = parseStackConfig(sampleWith(place, value));
      return "problems" in parsed ? parsed.problems.length > 0 : parsed.config.hosts.length === 1;
    }),
    { numRuns: 400 },
  );
});

test("any mapping at all is survived", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json), (raw) => {
      const parsed = parseStackConfig(raw);
      return "problems" in parsed;
    }),
    { numRuns: 200 },
  );
});

test("names that mean something to JavaScript are keys like any other", () => {
  const raw = JSON.parse('{"__proto__": {"tier": "h100-8"}, "constructor": {}, "toString": 1}') as Mapping;
  const paths = problemsOf({ ...sample(), ...raw, ...Object.fromEntries(Object.entries(raw)) }).map(
    ({ path }) => path,
  );
  expect(paths).toEqual(expect.arrayContaining(["constructor", "toString"]));
  expect(isMapping({}) && "polluted" in {}).toBe(false);
});

test("a very long list is refused before it is walked through", () => {
  const started = performance.now();
  expect(problemsOf({ ...sample(), hosts: Array.from({ length: 100_000 }, () => ({})) }).length).toBe(1);
  expect(performance.now() - started).toBeLessThan(2000);
});
