import { connectionSchema } from "./connection.ts";
import { isMapping, type Mapping } from "./merge.ts";
import { jsonSchemaOf, type SchemaNode, schemasAt } from "./schema-tree.ts";
import { isSectionName, sections } from "./sections.ts";

/** A secret of a stack file that stands there unencrypted. */
export interface ClearSecret {
  /** Below `racksmith:`, such as `["vault", "key"]`. */
  path: readonly (string | number)[];
  value: string;
}

/** The secrets, by their schemas, that stand in the clear in these `racksmith:` values of a stack file. */
export function clearSecrets(values: Mapping): ClearSecret[] {
  const connection = jsonSchemaOf(connectionSchema);
  const inHosts = (Array.isArray(values.hosts) ? values.hosts : []).flatMap((host, index) =>
    isMapping(host) ? inKeys(host, ["hosts", index], connection) : [],
  );
  const { hosts: _, ...own } = values;
  return [...inHosts, ...inKeys(own, [], {})];
}

function inKeys(values: Mapping, at: ClearSecret["path"], others: SchemaNode): ClearSecret[] {
  return Object.entries(values).flatMap(([key, value]) =>
    isSectionName(key)
      ? inside(value, [], jsonSchemaOf(sections[key]), [...at, key])
      : inside(value, [key], others, at),
  );
}

function inside(
  value: unknown,
  path: ClearSecret["path"],
  root: SchemaNode,
  at: ClearSecret["path"],
): ClearSecret[] {
  if (typeof value === "string") {
    const secret = schemasAt(root, path).some(({ writeOnly }) => writeOnly === true);
    return secret ? [{ path: [...at, ...path], value }] : [];
  }
  if (Array.isArray(value)) return value.flatMap((part, index) => inside(part, [...path, index], root, at));
  if (!isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, part]) => inside(part, [...path, key], root, at));
}
