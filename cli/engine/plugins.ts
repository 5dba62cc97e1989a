import { existsSync } from "node:fs";
import { chmod, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { checkout, makeDir } from "../paths.ts";
import { shellQuote } from "../quote.ts";
import { missingOfficialPlugins, offlineMark } from "./locate.ts";
import { plugins } from "./versions.ts";

export type PluginEdition = "official" | "offline";

/** Which edition of the command and docker plugins to use; RACKSMITH_PLUGINS decides when it is set. */
export function chooseEdition(pulumiHome: string, asked = process.env.RACKSMITH_PLUGINS): PluginEdition {
  const missing = missingOfficialPlugins(pulumiHome);
  if (asked === undefined || asked === "") return missing.length === 0 ? "official" : "offline";
  if (asked === "offline") return "offline";
  if (asked !== "official") {
    throw new CliError(`RACKSMITH_PLUGINS: found "${asked}", wanted "official" or "offline"`);
  }
  if (missing.length > 0) {
    throw new CliError(
      `RACKSMITH_PLUGINS=official: ${missing.join(" and ")} not installed in ${pulumiHome}/plugins.\n` +
        `Install them with:\n${missing.map((it) => `  pulumi plugin install resource ${it}`).join("\n")}`,
    );
  }
  return "official";
}

/** The folders of the offline editions, each holding `pulumi-resource-NAME`. */
export function offlineFolders(root = join(checkout, "offline", "plugins")): string[] {
  return Object.keys(plugins).map((name) => join(root, name));
}

/** Puts the offline editions where the engine looks for plugins of exactly these versions. */
export async function installOffline(pulumiHome: string, root = join(checkout, "offline", "plugins")) {
  for (const [name, version] of Object.entries(plugins)) {
    const program = join(root, name, `pulumi-resource-${name}`);
    if (!existsSync(program)) throw new CliError(`${program}: not found; restore it with git checkout`);
    const folder = makeDir(join(pulumiHome, "plugins", `resource-${name}-v${version}`));
    const file = join(folder, `pulumi-resource-${name}`);
    // A wrapper, not a link: the engine skips linked folders, and the program must find its own neighbours.
    const text = `#!/bin/sh\n${offlineMark}\nexec ${shellQuote(program)} "$@"\n`;
    if ((await readFile(file, "utf8").catch(() => "")) === text) continue;
    const fresh = `${file}.${process.pid}`;
    await writeFile(fresh, text);
    await chmod(fresh, 0o755);
    await rename(fresh, file);
  }
}
