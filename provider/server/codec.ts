import { Struct } from "google-protobuf/google/protobuf/struct_pb.js";

/** What the engine sends, in previews, in the place of a value that is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };
export type Fields = Record<string, unknown>;
export type Path = readonly (string | number)[];

/** Properties as plain values, with the places where secrets stood. Unknown parts are the `UNKNOWN` string. */
export interface Decoded {
  values: Fields;
  secrets: Path[];
}

/** Reads a property bag off the wire. Assets and archives stay as the objects they are on the wire. */
export function decode(struct: Struct | undefined): Decoded {
  const secrets: Path[] = [];
  const values = plain((struct?.toJavaScript() ?? {}) as Json, [], secrets);
  return { values: values as Fields, secrets };
}

/** Writes a property bag, with a secret at every given path that exists in it. `undefined` fields are left out. */
export function encode(values: Fields, secrets: readonly Path[] = []): Struct {
  // Shortest first: what is inside a secret needs no mark of its own.
  const ordered = secrets.toSorted((a, b) => a.length - b.length);
  let marked: unknown = withoutUndefined(values);
  for (const path of ordered) marked = markSecret(marked, path);
  return Struct.fromJavaScript(marked as Parameters<typeof Struct.fromJavaScript>[0]);
}

/** True when any part of the value is not known yet. */
export function hasUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isObject(value) && Object.values(value).some(hasUnknown);
}

function plain(value: Json, at: Path, secrets: Path[]): Json {
  if (Array.isArray(value)) return value.map((part, i) => plain(part, [...at, i], secrets));
  if (!isObject(value)) return value;
  const signature = value[SIGNATURE_KEY];
  if (signature === SECRET_SIGNATURE) {
    secrets.push(at);
    return plain((value["value"] ?? null) as Json, at, secrets);
  }
  if (signature === OUTPUT_SIGNATURE) {
    if (value["secret"] === true) secrets.push(at);
    return "value" in value ? plain(value["value"] as Json, at, secrets) : UNKNOWN;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, plain(part as Json, [...at, key], secrets)]),
  );
}

function markSecret(value: unknown, path: Path): unknown {
  if (isObject(value) && value[SIGNATURE_KEY] === SECRET_SIGNATURE) return value;
  const [head, ...rest] = path;
  if (head === undefined) return value === null ? value : { [SIGNATURE_KEY]: SECRET_SIGNATURE, value };
  if (Array.isArray(value) && typeof head === "number" && head < value.length)
    return value.map((part, i) => (i === head ? markSecret(part, rest) : part));
  if (isObject(value) && Object.hasOwn(value, head))
    return { ...value, [head]: markSecret(value[String(head)], rest) };
  return value;
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((part) => withoutUndefined(part) ?? null);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .map(([key, part]) => [key, withoutUndefined(part)]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
