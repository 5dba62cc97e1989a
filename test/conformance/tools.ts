import { packageOf } from "../../cli/testing/needs.ts";
import { findTool } from "../../rack/packages.ts";

/** The absolute path of a command that the cases run. */
export function tool(name: string): string {
  const found = findTool(name);
  if (found) return found;
  const its = packageOf.conformance[name] ?? name;
  throw new Error(`${name}: not found on PATH; \`./racksmith test conformance\` installs ${its}`);
}
