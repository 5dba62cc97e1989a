import { RackError } from "../errors.ts";
import { ENTRY_4090 } from "./entry-4090.ts";
import type { NodeSpec } from "./types.ts";

export const NODES: readonly NodeSpec[] = [ENTRY_4090];

/**
 * The description of a node. `NAME` is a tier's node; `NAME.SUFFIX` is one more machine of the same kind,
 * so that several can run at once (`entry-4090.b`).
 */
export function nodeSpec(name: string): NodeSpec {
  const [kind = "", suffix] = name.split(/\.(.*)/s);
  const spec = NODES.find((node) => node.name === kind);
  if (spec === undefined || (suffix !== undefined && !/^[a-z0-9-]{1,20}$/.test(suffix)))
    throw new RackError(
      `${name}: no such node in the virtual rack; there are ${NODES.map((node) => node.name).join(", ")}` +
        ` (and more of each by a suffix: ${NODES[0]?.name}.b)`,
    );
  return { ...spec, name };
}
