import { z } from "zod";
import { connectionSchema } from "../../config/connection.ts";
import type { AnyNoun } from "../any-noun.ts";
import { typeToken } from "../noun.ts";

type Json = Record<string, unknown>;

/** The provider's Pulumi schema, out of the zod definitions. Nested objects become named types. */
export function pulumiSchema(nouns: readonly AnyNoun[], version: string): string {
  const types: Record<string, Json> = {};
  const resources = Object.fromEntries(nouns.map((noun) => [typeToken(noun.name), resource(noun, types)]));
  return JSON.stringify({ name: "racksmith", version, types, resources, config: {}, provider: {} });
}

function resource(noun: AnyNoun, types: Record<string, Json>): Json {
  const name = typeToken(noun.name).split(":")[2] ?? noun.name;
  const input = object(z.toJSONSchema(noun.inputs, { io: "input", unrepresentable: "any" }), name, types);
  const facts = objectType(
    z.toJSONSchema(noun.facts, { io: "output", unrepresentable: "any" }),
    `${name}Facts`,
    types,
  );
  const connection = objectType(
    z.toJSONSchema(connectionSchema, { io: "input", unrepresentable: "any" }),
    "Connection",
    types,
  );
  const inputProperties: Json = { ...input.properties, connection };
  for (const key of noun.secrets) inputProperties[key] = { ...asJson(inputProperties[key]), secret: true };
  return {
    inputProperties,
    requiredInputs: [...input.required, "connection"],
    properties: { ...inputProperties, facts },
    required: [...input.required, "connection", "facts"],
  };
}

function object(
  schema: unknown,
  name: string,
  types: Record<string, Json>,
): { properties: Json; required: string[] } {
  const { properties, required } = asJson(schema);
  const converted = Object.entries(asJson(properties)).map(([key, part]) => [
    key,
    type(part, `${name}${key.charAt(0).toUpperCase()}${key.slice(1)}`, types),
  ]);
  return {
    properties: Object.fromEntries(converted),
    required: Array.isArray(required) ? required.map(String) : [],
  };
}

function objectType(schema: unknown, name: string, types: Record<string, Json>): Json {
  const token = `racksmith:index:${name}`;
  if (!(token in types)) {
    // Before the parts, so that a type that contains itself ends.
    types[token] = {};
    types[token] = { type: "object", ...object(schema, name, types) };
  }
  return { $ref: `#/types/${token}` };
}

/** One JSON Schema type as a Pulumi type; what Pulumi cannot say is `Any`. */
function type(schema: unknown, name: string, types: Record<string, Json>): Json {
  const json = asJson(schema);
  const description = typeof json.description === "string" ? { description: json.description } : {};
  switch (json.type) {
    case "string":
    case "number":
    case "integer":
    case "boolean":
      return { type: json.type, ...description };
    case "array":
      return { type: "array", items: type(json.items, `${name}Item`, types), ...description };
    case "object":
      if (json.properties !== undefined) return { ...objectType(json, name, types), ...description };
      return {
        type: "object",
        additionalProperties: type(json.additionalProperties, `${name}Value`, types),
        ...description,
      };
    default:
      return { $ref: "pulumi.json#/Any", ...description };
  }
}

function asJson(value: unknown): Json {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
