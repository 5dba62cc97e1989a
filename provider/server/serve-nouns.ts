import packageJson from "../../package.json" with { type: "json" };
import type { AnyNoun } from "../any-noun.ts";
import { Pool } from "../ssh/pool.ts";
import { Redactor } from "../ssh/redact.ts";
import { loadScripts } from "../ssh/scripts.ts";
import { racksmith } from "./racksmith.ts";
import { serve } from "./serve.ts";

/** How long an act is looked for after its connection was cut. A switch that restarts takes three minutes. */
const REATTACH_MS = 10 * 60_000;
/** After Ctrl-C, how long an act may take to end by itself before it is left to go on alone. */
const GRACE_MS = 10_000;

export interface ServeOptions {
  /** Folder of scripts, and where they go on a node: for tests. */
  scripts?: ReturnType<typeof loadScripts>;
  reattachMs?: number;
  graceMs?: number;
}

/** Serves these nouns to the engine until it ends the process. */
export async function serveNouns(nouns: readonly AnyNoun[], options: ServeOptions = {}): Promise<void> {
  const redactor = new Redactor();
  const stopping = new AbortController();
  const scripts = options.scripts ?? loadScripts();
  const pool = new Pool({
    redactor,
    scripts,
    reattachMs: options.reattachMs ?? REATTACH_MS,
    signal: stopping.signal,
  });
  const stop = () => {
    setTimeout(() => stopping.abort(new Error("cancelled")), options.graceMs ?? GRACE_MS).unref();
  };
  await serve((log) => racksmith({ version: packageJson.version, nouns, pool, redactor, log, stop }));
}
