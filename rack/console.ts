import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { RackError } from "./errors.ts";
import { nodeFiles } from "./node/files.ts";

/** Prints a node's serial console from the start of its machine and follows it until Ctrl-C or SIGTERM. */
export async function followConsole(name: string, follow = true): Promise<number> {
  const { console: file } = nodeFiles(name);
  if (!existsSync(file))
    throw new RackError(`${name}: has no console log yet; run \`racksmith rack up ${name}\``);
  const child = spawn("tail", ["-n", "+1", ...(follow ? ["-F"] : []), file], { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 0));
  });
}
