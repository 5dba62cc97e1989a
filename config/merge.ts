/** Plain data: a mapping of YAML. */
export type Mapping = Record<string, unknown>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * `over` laid on `under`: mappings are merged key by key, anything else (lists too) is replaced.
 * A mapping whose discriminator (`engine`, `kind`, `policy`) changes is replaced whole, since the
 * other keys of the default belong to another variant.
 */
export function merge(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isMapping(under) || !isMapping(over) || changesVariant(under, over)) return over;
  const keys = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(own(under, key), own(over, key))]));
}

const DISCRIMINATORS = ["engine", "kind", "policy"];

function changesVariant(under: Mapping, over: Mapping): boolean {
  return DISCRIMINATORS.some((key) => {
    const [was, is] = [own(under, key), own(over, key)];
    return typeof was === "string" && typeof is === "string" && was !== is;
  });
}

function own(mapping: Mapping, key: string): unknown {
  return Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}
