import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { SCRIPTS_FOLDER } from "../../provider/ssh/scripts.ts";
import { encodeSection, shellWord } from "../../provider/ssh/section.ts";

const folder = mkdtempSync(join(tmpdir(), "racksmith-section-"));
afterAll(() => rmSync(folder, { recursive: true }));

// Prints what read_inputs made of stdin, each value ended by NUL, the list after the scalar.
const script = join(folder, "echo.sh");
writeFileSync(
  script,
  `set -euo pipefail
. "${SCRIPTS_FOLDER}lib.sh"
scalar="" list=()
read_inputs scalar list
printf '%s\\0' "$scalar" "\${list[@]}"
`,
);

function roundTrip(scalar: string, list: string[]): string[] {
  const output = execFileSync("bash", [script], { input: encodeSection({ scalar, list, ignored: 1 }) });
  return output.toString().split("\0").slice(0, -1);
}

const HOSTILE = [
  "$(touch /tmp/racksmith-owned)",
  "`id`",
  "'\"'\"",
  "a\nb\r\n\n",
  "../../etc/passwd",
  "x".repeat(10_240),
  "\\n\\\\n\\",
  "密钥 ünï 🔑",
  String.fromCharCode(...Array.from({ length: 31 }, (_, i) => i + 1)),
  "[toy key]",
  "a=b=c",
  " leading and trailing ",
  "",
  "%s%n",
  "-n",
  "*",
];

test("hostile strings reach a script byte for byte", () => {
  for (const text of HOSTILE) expect(roundTrip(text, HOSTILE)).toEqual([text, ...HOSTILE]);
});

test("any string does", () => {
  const text = fc
    .string({ unit: "binary", maxLength: 200 })
    .map((value) => value.toWellFormed().replaceAll("\0", ""));
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 5 }), (scalar, list) => {
      expect(roundTrip(scalar, list)).toEqual([scalar, ...list]);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("NUL and bad keys are refused", () => {
  expect(() => encodeSection({ a: "x\0y" })).toThrow(/NUL/);
  expect(() => encodeSection({ "A-b": 1 })).toThrow(/\[a-z\]/);
});

test("a malformed section is refused by the script", () => {
  const run = (input: string) => execFileSync("bash", [script], { input, stdio: "pipe" });
  expect(() => run("no equals sign\n")).toThrow(/line 1 is not key=value/);
  expect(() => run("scalar=\\x41\n")).toThrow(/backslash/);
});

test("a shell word is one word", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 50 }), (value) => {
      const text = value.replaceAll("\0", "").toWellFormed();
      expect(execFileSync("sh", ["-c", `printf %s ${shellWord(text)}`]).toString()).toBe(text);
    }),
    { numRuns: 40 },
  );
});
