import { delimiter, dirname, join } from "node:path";
import { cacheDir, checkoutKey, makeDir, stateDir } from "../paths.ts";
import { buildTools, builtBin } from "./build.ts";
import { backendUrl, passphraseFile } from "./defaults.ts";
import { ownEngine, userPulumiHome } from "./locate.ts";
import { chooseEdition, installOffline, offlineFolders, type PluginEdition } from "./plugins.ts";
import { engineTools } from "./versions.ts";

export interface Engine {
  pulumi: string;
  /** Whether we built it, or the user brought it. */
  origin: "built" | "own";
  edition: PluginEdition;
  /** What makes plain `pulumi` work: only what differs from the environment it was prepared in. */
  env: Record<string, string>;
}

/**
 * Makes the engine ready, building and installing what is missing, and returns how to run it.
 * Cheap when everything is there: a few stats and one `pulumi version`.
 */
export async function prepareEngine(env: NodeJS.ProcessEnv = process.env): Promise<Engine> {
  const bin = builtBin(engineTools(), cacheDir(env));
  const onPath = await ownEngine(env);
  // In a shell that ran `eval "$(./racksmith env)"` the one on PATH is ours.
  const own = onPath?.pulumi === join(bin, "pulumi") ? undefined : onPath;
  const userHome = userPulumiHome(env);
  const edition = chooseEdition(userHome, env.RACKSMITH_PLUGINS);
  const added: Record<string, string> = {};
  // The engine starts `node` by name: it must find the one that runs us, which may not be on the user's PATH.
  const path = (folders: string[]) => {
    const all = [...folders, dirname(process.execPath), ...(env.PATH ?? "").split(delimiter)];
    return [...new Set(all)].join(delimiter);
  };
  const common = async () => {
    const backend = backendUrl(env, userHome, stateDir(env));
    if (backend) added.PULUMI_BACKEND_URL = backend;
    const passphrase = await passphraseFile(env, stateDir(env));
    if (passphrase) added.PULUMI_CONFIG_PASSPHRASE_FILE = passphrase;
    if (env.NODE_OPTIONS?.includes("--experimental-strip-types")) added.NODE_OPTIONS = env.NODE_OPTIONS;
    if (edition === "offline") {
      added.PULUMI_SKIP_UPDATE_CHECK = "true";
      added.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION = "true";
    }
  };

  if (own && !own.unfit) {
    await common();
    added.PATH = path(edition === "offline" ? offlineFolders() : []);
    return { pulumi: own.pulumi, origin: "own", edition, env: added };
  }
  await buildTools(engineTools(), cacheDir(env));
  await common();
  added.PATH = path([bin]);
  if (edition === "offline") {
    added.PULUMI_HOME = makeDir(join(stateDir(env), "pulumi-home", checkoutKey()));
    await installOffline(added.PULUMI_HOME);
  }
  return { pulumi: join(bin, "pulumi"), origin: "built", edition, env: added };
}
