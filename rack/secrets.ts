import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Secret } from "../config/secret.ts";
import { rackStateDir } from "./paths.ts";

/** A random secret of one node, made at first use and kept readable by its owner only. */
export function nodeSecret(node: string, name: "vault-key" | "api-key"): Secret {
  const file = join(rackStateDir("nodes", node), `${name}.secret`);
  if (!existsSync(file)) {
    writeFileSync(`${file}.new`, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return new Secret(readFileSync(file, "utf8").trim());
}
