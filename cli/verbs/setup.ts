import { Command } from "commander";
import { type Engine, prepareEngine } from "../engine/prepare.ts";
import { say } from "../progress.ts";

export function setupVerb(): Command {
  return new Command("setup")
    .description("bring what is missing: the Pulumi engine, its Node language host, plugins")
    .addHelpText(
      "after",
      `
Your own \`pulumi\` (3.200 or newer, with its Node language host) is used when it is on PATH; else the
engine is built from pinned Go modules (about four minutes, once). Other verbs do this on their own.

Environment:
  GOPROXY            where Go modules, and Go itself when there is none, come from
  RACKSMITH_PLUGINS  "official" or "offline": which command and docker plugins; default: official if installed

Examples:
  $ ./racksmith setup
  $ GOPROXY=https://mirror.example/go ./racksmith setup`,
    )
    .action(async () => {
      say(describe(await prepareEngine()));
    });
}

function describe(engine: Engine): string {
  const origin = engine.origin === "own" ? "your own" : "built from pinned modules";
  return `Ready.\n  engine   ${engine.pulumi} (${origin})\n  plugins  ${engine.edition}`;
}
