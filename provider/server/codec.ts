import structMessages from "google-protobuf/google/protobuf/struct_pb.js";

// A CommonJS module: Node finds no named exports in it.
const { ListValue, NullValue, Struct, Value } = structMessages;
type ListValue = structMessages.ListValue;
type Struct = structMessages.Struct;
type Value = structMessages.Value;

// The only file with casts: the wire has no types, and what leaves here has.

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";
const RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e";

/** What unknown values look like on the wire, by the type they will have. The third is sent. */
const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const UNKNOWN_TEXTS: ReadonlySet<string> = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  UNKNOWN_TEXT,
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** A value that is known only once something else exists. */
export class Unknown {
  toString(): string {
    return "[unknown]";
  }
  toJSON(): string {
    return "[unknown]";
  }
}

/** The one unknown value. */
export const UNKNOWN = new Unknown();

/** A value to be kept encrypted in the state. */
export class SecretValue {
  readonly value: Wire;
  constructor(value: Wire) {
    this.value = value;
  }
}

/** A file, an archive or a reference to a resource: handed through as it came. */
export class Opaque {
  readonly kind: "asset" | "archive" | "resource";
  readonly fields: { readonly [key: string]: Wire };
  constructor(kind: Opaque["kind"], fields: { readonly [key: string]: Wire }) {
    this.kind = kind;
    this.fields = fields;
  }
}

export type Wire =
  | null
  | boolean
  | number
  | string
  | Unknown
  | SecretValue
  | Opaque
  | readonly Wire[]
  | WireObject;
export interface WireObject {
  readonly [key: string]: Wire;
}

const OPAQUE: Record<string, Opaque["kind"]> = {
  [ASSET]: "asset",
  [ARCHIVE]: "archive",
  [RESOURCE]: "resource",
};
const OPAQUE_SIGNATURE = { asset: ASSET, archive: ARCHIVE, resource: RESOURCE } as const;

/** Struct → JS. An absent Struct is an empty object. */
export function decode(struct: Struct | undefined): WireObject {
  const entries: [string, Wire][] = [];
  struct?.getFieldsMap().forEach((value: Value, key: string) => {
    entries.push([key, decodeValue(value)]);
  });
  // fromEntries defines properties, so a key such as __proto__ is a key like any other.
  return Object.fromEntries(entries);
}

function decodeValue(value: Value): Wire {
  switch (value.getKindCase()) {
    case Value.KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case Value.KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case Value.KindCase.STRING_VALUE:
      return UNKNOWN_TEXTS.has(value.getStringValue()) ? UNKNOWN : value.getStringValue();
    case Value.KindCase.LIST_VALUE:
      return (value.getListValue() as ListValue).getValuesList().map(decodeValue);
    case Value.KindCase.STRUCT_VALUE:
      return decodeObject(decode(value.getStructValue()));
    default:
      return null;
  }
}

function decodeObject(object: WireObject): Wire {
  const signature = object[SIGNATURE];
  if (typeof signature !== "string" || !Object.hasOwn(object, SIGNATURE)) return object;
  if (signature === SECRET) return new SecretValue(object.value ?? null);
  if (signature === OUTPUT) {
    const value = Object.hasOwn(object, "value") ? (object.value ?? null) : UNKNOWN;
    return object.secret === true ? new SecretValue(value) : value;
  }
  const kind = OPAQUE[signature];
  return kind === undefined ? object : new Opaque(kind, object);
}

/** JS → Struct. Properties that are undefined are left out. */
export function encode(object: { readonly [key: string]: Wire | undefined }): Struct {
  const struct = new Struct();
  for (const [key, value] of Object.entries(object)) {
    if (value !== undefined) struct.getFieldsMap().set(key, encodeValue(value));
  }
  return struct;
}

function encodeValue(wire: Wire): Value {
  const value = new Value();
  if (wire === null) value.setNullValue(NullValue.NULL_VALUE);
  else if (typeof wire === "boolean") value.setBoolValue(wire);
  else if (typeof wire === "number") value.setNumberValue(wire);
  else if (typeof wire === "string") value.setStringValue(wire.toWellFormed());
  else if (wire instanceof Unknown) value.setStringValue(UNKNOWN_TEXT);
  else if (wire instanceof SecretValue)
    value.setStructValue(encode({ [SIGNATURE]: SECRET, value: wire.value }));
  else if (wire instanceof Opaque) {
    value.setStructValue(encode({ ...wire.fields, [SIGNATURE]: OPAQUE_SIGNATURE[wire.kind] }));
  } else if (Array.isArray(wire)) {
    const list = new ListValue();
    list.setValuesList(wire.map(encodeValue));
    value.setListValue(list);
  } else value.setStructValue(encode(wire as WireObject));
  return value;
}

/** Any JSON-like value (facts, parsed inputs) as a wire value. */
export function toWire(value: unknown): Wire {
  if (value === undefined) return null;
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value as Wire;
  if (value instanceof Unknown || value instanceof SecretValue || value instanceof Opaque) return value;
  if (Array.isArray(value)) return value.map(toWire);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) =>
      part === undefined ? [] : [[key, toWire(part)] as const],
    ),
  );
}
