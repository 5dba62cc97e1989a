import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { notices, packagesByLicence } from "../../docs/third-party-notices.ts";
import { pages, root } from "./pages.ts";

test("the notices are what the lock files say", () => {
  expect(pages["docs/third-party-notices.md"]).toBe(notices());
  expect(packagesByLicence("package-lock.json", true).get("MIT")).toContain("zod");
});

test("every direct dependency has its reason", () => {
  const page = pages["docs/dependencies.md"] ?? "";
  const of = (file: string): { dependencies: object; devDependencies?: object } =>
    JSON.parse(readFileSync(`${root}/${file}`, "utf8"));
  const direct = ["package.json", "rack/images/llamacpp/app/package.json"].flatMap((file) => {
    const { dependencies, devDependencies } = of(file);
    return Object.keys({ ...dependencies, ...devDependencies });
  });
  const unexplained = direct.filter((name) => !name.startsWith("@types/") && !page.includes(`\`${name}\``));
  expect(unexplained).toEqual([]);
});
