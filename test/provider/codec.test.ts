import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decode,
  encode,
  Opaque,
  SecretValue,
  toWire,
  UNKNOWN,
  type Wire,
} from "../../provider/server/codec.ts";
import { plain, rewrap, sealed } from "../../provider/server/plain.ts";

const RESERVED = /^[0-9a-f]{8}-|^4dabf18193072939515e22adb298388d$/;
// The protobuf library keeps maps in plain objects and loses a key `__proto__`: no input is called so.
const text = fc
  .string({ unit: "grapheme" })
  .filter((value) => !RESERVED.test(value) && value.isWellFormed() && value !== "__proto__");
const { wire } = fc.letrec<{ wire: Wire }>((tie) => ({
  wire: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    text,
    fc.constant(UNKNOWN),
    tie("wire").map((value) => new SecretValue(value)),
    fc.array(tie("wire")),
    fc.array(fc.tuple(text, tie("wire"))).map(Object.fromEntries),
    text.map(
      (hash) =>
        new Opaque("asset", { "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", hash }),
    ),
  ),
}));
const object = fc
  .array(fc.tuple(text, wire))
  .map((entries) => Object.fromEntries(entries) as Record<string, Wire>);

test("whatever is encoded comes back as it was", () => {
  fc.assert(
    fc.property(object, (value) => {
      const bytes = encode(value).serializeBinary();
      const struct = encode({}).constructor as unknown as { deserializeBinary(bytes: Uint8Array): never };
      expect(decode(struct.deserializeBinary(bytes))).toEqual(value);
    }),
  );
});

test("what arrived secret goes back secret", () => {
  fc.assert(
    fc.property(object, (value) => {
      const sent = JSON.stringify(decode(encode(value)));
      const { props } = plain(value);
      const secrets = sent.match(/"SecretValue"/g)?.length ?? 0;
      expect(JSON.stringify(rewrap(props, value)).match(/"SecretValue"/g)?.length ?? 0).toBe(secrets);
    }),
  );
});

test("output values: known, unknown and secret", () => {
  const signature = "4dabf18193072939515e22adb298388d";
  const output = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
  const struct = encode({
    known: { [signature]: output, value: 3 },
    hidden: { [signature]: output, value: "x", secret: true },
    later: { [signature]: output },
  });
  expect(decode(struct)).toEqual({ known: 3, hidden: new SecretValue("x"), later: UNKNOWN });
});

test("sealing wraps once; plain drops nulls and notes unknowns by path", () => {
  const once = sealed({ key: "k", other: 1 }, ["key"]);
  expect(sealed(once, ["key"])).toEqual(once);
  const { props, unknown, secrets } = plain({ a: [1, UNKNOWN], b: null, key: new SecretValue("k") });
  expect(props).toEqual({ a: [1, UNKNOWN], key: "k" });
  expect(unknown).toEqual([["a", 1]]);
  expect(secrets).toEqual(["k"]);
  expect(toWire({ a: undefined, b: 1n })).toEqual({ b: 1 });
});
