import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CHECKOUT } from "./cli.ts";

/** Everything that decides what a provisioned node is and what its state says. Not the CLI, not the tests. */
const MATTERS = [
  "ansible-free-scripts",
  "components",
  "config",
  "index.ts",
  "offline/plugins",
  "package-lock.json",
  "provider",
  "Pulumi.yaml",
  "rack",
  "stacks",
  "tiers",
];

/** A hash over the names and bytes of those files. */
export function contentHash(): string {
  const hash = createHash("sha256");
  for (const path of MATTERS.flatMap(filesUnder)) {
    const bytes = readFileSync(join(CHECKOUT, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

function filesUnder(path: string): string[] {
  try {
    return readdirSync(join(CHECKOUT, path), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(CHECKOUT.length))
      .filter((file) => !file.includes("node_modules/"))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return [path];
    throw error;
  }
}
