import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = new URL("../..", import.meta.url).pathname;

/** Paths of all files of these kinds under a folder of the checkout. */
export function filesUnder(folder: string, kinds: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && kinds.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes("node_modules"));
}

/** The pages that people read, by path inside the checkout. */
export const pages: Readonly<Record<string, string>> = Object.fromEntries(
  [...["README.md", "README.zh-CN.md"].map((name) => join(root, name)), ...filesUnder("docs", /\.md$/)].map(
    (path) => [path.slice(root.length), readFileSync(path, "utf8")],
  ),
);
