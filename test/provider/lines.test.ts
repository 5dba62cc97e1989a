import fc from "fast-check";
import { expect, test } from "vitest";
import { show } from "../../provider/describe.ts";
import { LineSplitter, Tail } from "../../provider/ssh/lines.ts";

test("any bytes, however they come in pieces: the lines, and the bytes that each of them was", () => {
  const piece = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  const newlines = fc.constantFrom(
    Buffer.from("\n"),
    Buffer.from("é\n\n"),
    Buffer.from([0xff, 0x0a, 0xe2, 0x82]),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, newlines), { maxLength: 20 }), (pieces) => {
      const splitter = new LineSplitter();
      const lines = pieces.flatMap((chunk) => splitter.push(chunk));
      const all = Buffer.concat(pieces);
      const whole = all.subarray(0, all.lastIndexOf("\n") + 1);
      expect(lines.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(whole.length);
      expect(lines.map((line) => `${line.text}\n`).join("")).toBe(whole.toString());
      expect(splitter.rest()).toEqual({
        text: all.subarray(whole.length).toString(),
        bytes: all.length - whole.length,
      });
      expect(splitter.rest().bytes).toBe(0);
    }),
  );
});

test("no shortening leaves half an emoji", () => {
  const tail = new Tail(1);
  tail.push(`${"x".repeat(1_999)}🔑${"y".repeat(10)}`);
  expect(tail.lines().map((line) => line.isWellFormed())).toEqual([true]);
  expect(show(`${"x".repeat(199)}🔑 and on`).isWellFormed()).toBe(true);
});
