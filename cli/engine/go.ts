import { join } from "node:path";
import { capture } from "../process.ts";
import { bringGo } from "./go-toolchain.ts";
import { isAtLeast } from "./versions.ts";

export interface Go {
  /** Path of the `go` command. */
  command: string;
  version: string;
  env: NodeJS.ProcessEnv;
}

/** The machine's own Go when it is new enough, else the pinned toolchain, brought into the cache. */
export async function findGo(wanted: string, cache: string): Promise<Go> {
  return (await ownGo(wanted)) ?? broughtGo(await bringGo(cache), cache);
}

/** The `go` on PATH when it is at least `wanted`, without the build; used by doctor too. */
export async function ownGo(wanted: string, env: NodeJS.ProcessEnv = process.env): Promise<Go | undefined> {
  const local = { ...env, GOTOOLCHAIN: "local" };
  const result = await capture("go", ["env", "GOVERSION"], { env: local, cwd: "/" }).catch(() => undefined);
  const version = result?.status === 0 ? result.stdout.trim().replace(/^go/, "") : "";
  if (!version || !isAtLeast(version, wanted)) return undefined;
  return { command: "go", version, env: hermetic(env) };
}

function broughtGo(go: { root: string; version: string }, cache: string): Go {
  const env = hermetic(process.env);
  env.GOROOT = go.root;
  env.GOPATH ??= join(cache, "go", "path");
  env.GOCACHE ??= join(cache, "go", "build");
  return { command: join(go.root, "bin", "go"), version: go.version, env };
}

// A build that depends on what is in the checkout, not on the habits of the person who starts it.
function hermetic(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly", GOWORK: "off", CGO_ENABLED: "0" };
}
