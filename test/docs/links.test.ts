import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { pages, root } from "./pages.ts";

/** As GitHub makes them of headings. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** The words after `./racksmith` in a page: a verb, and with `rack` or `test` the one below it. */
function verbs(text: string): string[] {
  const spoken = [...text.matchAll(/\.\/racksmith ((?:rack|test) [a-z][a-z-]*|[a-z][a-z-]*)/g)];
  return [...new Set(spoken.map(([, verb = ""]) => verb))];
}

/** What the CLI's own help lists under "Commands:". */
function listed(...args: string[]): string[] {
  const help = execFileSync(process.execPath, [join(root, "cli/main.ts"), ...args], { encoding: "utf8" });
  return [...(help.split("Commands:")[1] ?? "").matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(
    ([, name = ""]) => name,
  );
}

test.each(Object.entries(pages))("%s: relative links lead somewhere", (page, text) => {
  const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : join(dirname(page), decodeURIComponent(path));
    if (!existsSync(join(root, file))) return [target];
    return anchor === undefined || anchors(pages[file] ?? "").includes(decodeURIComponent(anchor))
      ? []
      : [target];
  });
  expect(broken).toEqual([]);
});

test("every verb that a page names exists", () => {
  const known = new Set(listed("--help"));
  const below: Record<string, Set<string>> = {
    rack: new Set(listed("rack", "help")),
    test: new Set(["lint", "unit", "engine", "conformance", "rack", "all"]),
  };
  expect(known.size).toBeGreaterThan(8);
  expect(below.rack?.size).toBeGreaterThan(5);
  const unknown = Object.entries(pages).flatMap(([page, text]) =>
    verbs(text)
      .filter((spoken) => {
        const [verb = "", word] = spoken.split(" ");
        return !known.has(verb) || (word !== undefined && !below[verb]?.has(word));
      })
      .map((spoken) => `${page}: ./racksmith ${spoken}`),
  );
  expect(unknown).toEqual([]);
  expect(Object.values(pages).flatMap(verbs)).toContain("rack power-cut");
});
