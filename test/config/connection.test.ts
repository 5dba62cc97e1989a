import { expect, test } from "vitest";
import { problemsOf, sampleWith } from "./sample.ts";

test.each([
  ["no list of pinned keys", undefined, "is missing"],
  ["an empty one", [], "found an empty list"],
])("%s: says how to pin a key", (_, keys, found) => {
  expect(problemsOf(sampleWith("hosts/0/hostKeys", keys))).toEqual([
    {
      path: "hosts/0/hostKeys",
      problem: `${found}, needs at least one pinned host key; \`racksmith trust HOST\` writes it`,
    },
  ]);
});

test("a vault key that is too short is told without being shown", () => {
  const [problem] = problemsOf(sampleWith("vault/key", "hunter2"));
  expect(problem).toEqual({ path: "vault/key", problem: "found [secret], must have at least 12 characters" });
});
