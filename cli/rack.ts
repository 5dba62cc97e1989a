import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { CliError } from "./errors.ts";
import { checkout } from "./paths.ts";

/** A node that answers, and the stack that describes it. */
export interface RackNode {
  configFile: string;
  stackName: string;
}

/** What the CLI asks of `rack/index.ts`. */
export interface Rack {
  /** Boots the node, with everything it needs, or finds it running. */
  ensureNode(name: string, options: { tell(line: string): void }): Promise<RackNode>;
  /** Runs one rack verb (`up`, `down`, `ssh`, …); resolves to its exit code. */
  rackCommand(args: readonly string[]): Promise<number>;
  /** The address by which this workstation reaches an endpoint of the node. */
  reachedFromHere(name: string, endpoint: string): string;
}

/** Loads the rack only when it is wanted: it is a large part that servers of one's own never need. */
export async function loadRack(): Promise<Rack> {
  const file = join(checkout, "rack", "index.ts");
  if (!existsSync(file)) throw new CliError(`${file}: not found; restore it with git checkout`);
  const loaded: unknown = await import(pathToFileURL(file).href);
  if (!isRack(loaded))
    throw new CliError(`${file}: does not export ensureNode, rackCommand and reachedFromHere`);
  return loaded;
}

function isRack(loaded: unknown): loaded is Rack {
  if (typeof loaded !== "object" || loaded === null) return false;
  const has = new Map(Object.entries(loaded));
  return ["ensureNode", "rackCommand", "reachedFromHere"].every(
    (name) => typeof has.get(name) === "function",
  );
}
