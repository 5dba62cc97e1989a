import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { filesUnder, pages } from "./pages.ts";

const folders = ["cli", "components", "config", "provider", "rack", "ansible-free-scripts"];
const sources = folders
  .flatMap((folder) => filesUnder(folder, /\.(ts|sh)$|^run$/))
  .map((path) => readFileSync(path, "utf8"))
  .join("\n");

/** Not racksmith's own text. */
const foreign = ["incorrect passphrase", "exec format error"];

/** The fixed words of an error as the page quotes it: without what stands for a name, a number or the rest. */
function fixedParts(quoted: string): string[] {
  return quoted
    .split(
      /…|\bN\b|\bNAME(?:=VERSION)?|\b1200\b|\b2\b|Pulumi\.lab\.yaml|\bext4\b|: found (?:\[secret\]|enabled)/,
    )
    .flatMap((part) => part.split(/, (?=wanted )|, (?=but )/))
    .map((part) => part.replaceAll(/^[\s,.:]+|[\s,.:]+$/g, ""))
    .filter((part) => part.length >= 6);
}

test("every error that the page quotes is one that the code can say", () => {
  const page = pages["docs/troubleshooting.md"] ?? "";
  const headings = [...page.matchAll(/\*\*(.+?)\*\*/g)].map(([, text = ""]) => text);
  const quoted = headings
    .flatMap((text) => [...text.matchAll(/`([^`]+)`/g)].map(([, error = ""]) => error))
    .filter((error) => !foreign.includes(error));
  expect(quoted.length).toBeGreaterThan(25);
  const parts = quoted.flatMap(fixedParts);
  expect(parts.length).toBeGreaterThan(25);
  expect(parts.filter((part) => !sources.includes(part))).toEqual([]);
});
