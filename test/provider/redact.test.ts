import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Secret, secretText } from "../../config/secret.ts";
import { Redactor } from "../../provider/ssh/redact.ts";

test("a secret says [secret] however it is printed", () => {
  const secret = new Secret("hunter2-hunter2");
  const printed = [
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: 5 }),
    String(secret),
  ];
  for (const text of printed) {
    expect(text).toContain("[secret]");
    expect(text).not.toContain("hunter2");
  }
  expect(secretText.parse("x1").reveal()).toBe("x1");
  expect(secretText.parse(secret).equals(secret)).toBe(true);
});

test("no known secret survives in any text, in any of its forms", () => {
  const secret = fc
    .string({ unit: "grapheme", minLength: 4, maxLength: 40 })
    .filter((value) => value.trim().length >= 4 && !"[secret]".includes(value));
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
      const redactor = new Redactor();
      redactor.learn({ deep: [new Secret(value)] });
      for (const form of [value, JSON.stringify(value).slice(1, -1), value.replaceAll("\\", "\\\\")]) {
        expect(redactor.redact(`${before}${form}${after}`).split("[secret]").join("")).not.toContain(value);
      }
    }),
  );
});

test("each line of a key is a secret, and base64 of it too", () => {
  const redactor = new Redactor();
  redactor.learn("-----BEGIN KEY-----\nAAAABBBBCCCC\n-----END KEY-----");
  expect(redactor.redact("xx AAAABBBBCCCC yy")).toBe("xx [secret] yy");
  redactor.learn("another-secret");
  expect(redactor.redact(Buffer.from("another-secret").toString("base64"))).toBe("[secret]=");
});

test("the longest comes first: no tail of a secret stays", () => {
  const redactor = new Redactor();
  redactor.learn(["abcd", "abcdefgh"]);
  expect(redactor.redact("abcdefgh")).toBe("[secret]");
});
