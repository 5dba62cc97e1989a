import { homedir } from "node:os";
import { join } from "node:path";

/** The name in Pulumi.yaml; part of where the engine keeps locks and states. */
export const project = "racksmith";

/** The folder of a `file://` backend, the way the engine reads the address; undefined for any other backend. */
export function fileBackendDir(url: string | undefined, home = homedir()): string | undefined {
  if (!url?.startsWith("file://")) return undefined;
  const path = url.slice("file://".length).replace(/\?.*$/, "");
  return path === "~" || path.startsWith("~/") ? join(home, path.slice(1)) : path;
}

/** Where the engine puts lock files of one stack in a file backend. */
export function lockFolder(backend: string, stack: string): string {
  return join(backend, ".pulumi", "locks", "organization", project, stack);
}
