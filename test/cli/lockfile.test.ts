import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

interface Entry {
  version?: string;
  optionalDependencies?: Record<string, string>;
}
const root = join(import.meta.dirname, "../..");
const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
  packages: Record<string, Entry>;
};

// npm leaves out optional packages that a site's mirror lacks, and then `npm ci` refuses the lock file everywhere.
it("locks every optional package, of other platforms too", () => {
  const missing = Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => !packages[`${path}/node_modules/${name}`] && !packages[`node_modules/${name}`])
      .map((name) => `${path} wants ${name}`),
  );
  expect(missing).toEqual([]);
});

it("locks a version for each, and names no registry", () => {
  const text = readFileSync(join(root, "package-lock.json"), "utf8");
  expect(text).not.toMatch(/"resolved"/);
  expect(Object.entries(packages).filter(([path, { version }]) => path !== "" && !version)).toEqual([]);
});
