import { z } from "zod";
import { secretText } from "./secret.ts";

/** A node of a JSON Schema, as far as the code here reads it. */
export interface SchemaNode {
  type?: string;
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  additionalProperties?: boolean | SchemaNode;
  anyOf?: SchemaNode[];
  oneOf?: SchemaNode[];
  writeOnly?: boolean;
  description?: string;
  [other: string]: unknown;
}

/** The JSON Schema of what a user may write, with every secret marked `writeOnly`. */
export function jsonSchemaOf(schema: z.ZodType): SchemaNode {
  return z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    reused: "inline",
    override: ({ zodSchema, jsonSchema }) => {
      if (isSecretText(zodSchema)) jsonSchema.writeOnly = true;
    },
  }) as SchemaNode;
}

/** `secretText` itself or what `describe`, `refine` and the like made of it: they copy the definition, not its parts. */
function isSecretText(schema: z.core.$ZodType): boolean {
  const transform = outOf(schema);
  return transform !== undefined && transform === outOf(secretText);
}

function outOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  return schema instanceof z.ZodPipe ? schema._zod.def.out : undefined;
}

/** Every schema that may apply at a path: more than one where there are variants. */
export function schemasAt(root: SchemaNode, path: readonly PropertyKey[]): SchemaNode[] {
  return path.reduce<SchemaNode[]>((nodes, key) => nodes.flatMap((node) => step(node, key)), variants(root));
}

/** Names that a mapping at this path may have, in the order of the schema. */
export function keysAt(root: SchemaNode, path: readonly PropertyKey[]): string[] {
  return [...new Set(schemasAt(root, path).flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** A secret, something inside one, or something so named that it had better be one. */
export function isSecretPath(root: SchemaNode, path: readonly PropertyKey[]): boolean {
  const named = path.some((key) => typeof key === "string" && SECRET_NAME.test(key));
  return (
    named || path.some((_, index) => schemasAt(root, path.slice(0, index + 1)).some((node) => node.writeOnly))
  );
}

const SECRET_NAME = /passphrase|password|secret|token|privatekey$|apikey|recoverykey|webhook/i;

function step(node: SchemaNode, key: PropertyKey): SchemaNode[] {
  if (typeof key === "number") return node.items ? variants(node.items) : [];
  const named =
    typeof key === "string" && Object.hasOwn(node.properties ?? {}, key) ? node.properties?.[key] : undefined;
  if (named) return variants(named);
  return typeof node.additionalProperties === "object" ? variants(node.additionalProperties) : [];
}

function variants(node: SchemaNode): SchemaNode[] {
  const inner = [...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  return inner.length === 0 ? [node] : [node, ...inner.flatMap(variants)];
}
