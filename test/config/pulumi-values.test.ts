import { expect, test } from "vitest";
import { stackFileValues } from "../../config/file.ts";
import { parseStackConfig } from "../../config/index.ts";
import { pulumiValues } from "../../config/pulumi-values.ts";
import { sample } from "./sample.ts";

test("what the engine hands over is what was written, whoever else has keys there", () => {
  const raw = sample();
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  const all = Object.fromEntries(
    Object.entries(raw).map(([key, value]) => [`racksmith:${key}`, text(value)]),
  );
  const values = pulumiValues({ ...all, "aws:region": "x", "racksmithx:tier": "y" }, "racksmith");
  expect(values).toEqual(raw);
  expect("config" in parseStackConfig(values)).toBe(true);
});

test("text that only looks like JSON stays text, and is refused as such", () => {
  const values = pulumiValues({ "racksmith:tier": "{not json" }, "racksmith");
  expect(values).toEqual({ tier: "{not json" });
});

test("a stack file gives its racksmith keys and no other", () => {
  const text = "config:\n  racksmith:tier: entry-4090\n  aws:region: x\nencryptionsalt: v1:abc\n";
  expect(stackFileValues(text)).toEqual({ tier: "entry-4090" });
  expect(() => stackFileValues("encryptionsalt: x\n")).toThrow("config: is missing");
});
