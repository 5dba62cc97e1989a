import { readFileSync } from "node:fs";
import { type ClearSecret, clearSecrets } from "../../config/clear-secrets.ts";
import { stackFileValues } from "../../config/file.ts";
import { note } from "../progress.ts";
import { ask, type Stack } from "./pulumi.ts";

/**
 * What stands in the clear in the configuration also gets into the engine's state and history in the clear. In a file
 * that the rack made it is encrypted in its place; in one's own it is said, with the command to run.
 */
export async function sealSecrets(stack: Stack, mayEdit: boolean): Promise<void> {
  for (const { path, value } of found(stack)) {
    const key = configPath(path);
    if (mayEdit) await encrypt(stack, key, value);
    else
      note(
        `${stack.configFile}: ${key} stands there in the clear, and so it will in the state; ` +
          `encrypt it: pulumi config set --secret --path '${key}' --stack ${stack.name}`,
      );
  }
}

function found(stack: Stack): ClearSecret[] {
  const text = readFileSync(stack.configFile, "utf8");
  try {
    return clearSecrets(stackFileValues(text));
  } catch {
    return []; // what cannot be read as a configuration is told by the run itself, with all that is wrong
  }
}

// The value travels on stdin; the engine takes one newline off its end.
async function encrypt(stack: Stack, key: string, value: string): Promise<void> {
  const args = ["config", "set", "--secret", "--path", `racksmith:${key}`, "--config-file", stack.configFile];
  await ask(stack, args, `${value}\n`);
}

/** As `pulumi config set --path` reads it: `inference.apiKeys["a.b"]`. */
export function configPath(path: ClearSecret["path"]): string {
  return path
    .map((part, at) => {
      if (typeof part === "number") return `[${part}]`;
      if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) return `[${JSON.stringify(part)}]`;
      return at === 0 ? part : `.${part}`;
    })
    .join("");
}
