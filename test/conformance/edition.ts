import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { missingOfficialPlugins, userPulumiHome } from "../../cli/engine/locate.ts";
import { installOffline, type PluginEdition } from "../../cli/engine/plugins.ts";
import { plugins } from "../../cli/engine/versions.ts";
import { shellQuote } from "../../cli/quote.ts";

/** The edition under test: the official one when RACKSMITH_PLUGINS says so, else the offline one. */
export const edition: PluginEdition = process.env.RACKSMITH_PLUGINS === "official" ? "official" : "offline";

/**
 * Puts the edition under test, and no other plugin, into a Pulumi home of the cases' own.
 * @throws when it is the official one and is not installed: where was looked, and how to get it
 */
export async function installEdition(
  home: string,
  asked: PluginEdition = edition,
  userHome = userPulumiHome(),
): Promise<void> {
  if (asked === "offline") return installOffline(home);
  const missing = missingOfficialPlugins(userHome);
  if (missing.length > 0)
    throw new Error(
      `RACKSMITH_PLUGINS=official: absent: ${missing.join(" and ")}; looked in ${join(userHome, "plugins")}. ` +
        `Install with: ${missing.map((it) => `pulumi plugin install resource ${it}`).join("; ")}`,
    );
  for (const [name, version] of Object.entries(plugins)) {
    const folder = `plugins/resource-${name}-v${version}`;
    const program = `pulumi-resource-${name}`;
    await mkdir(join(home, folder), { recursive: true });
    // A wrapper: the engine skips linked folders.
    await writeFile(
      join(home, folder, program),
      `#!/bin/sh\nexec ${shellQuote(join(userHome, folder, program))} "$@"\n`,
    );
    await chmod(join(home, folder, program), 0o755);
  }
}
