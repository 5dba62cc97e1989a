import { Command } from "commander";
import { prepareEngine } from "../engine/prepare.ts";
import { shellQuote } from "../quote.ts";

export function envVerb(): Command {
  return new Command("env")
    .description("print what makes plain `pulumi` work in this shell")
    .addHelpText(
      "after",
      `
Prints \`export\` lines on stdout for sh, bash and zsh: PATH, where the state is, the file that holds its
passphrase (never the passphrase), and, with offline plugins, what keeps the engine from downloading.
What you have set yourself is left alone.

Example:
  $ eval "$(./racksmith env)" && pulumi stack ls`,
    )
    .action(async () => {
      const engine = await prepareEngine();
      process.stdout.write(exportLines(engine.env));
    });
}

/** `export` lines that a POSIX shell reads back as exactly these values. */
export function exportLines(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
    .join("");
}
