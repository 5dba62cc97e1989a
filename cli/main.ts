import { program } from "commander";
import pc from "picocolors";
import { CliError, exitCodes, exitCodesHelp } from "./errors.ts";
import { say } from "./progress.ts";
import { doctorVerb } from "./verbs/doctor.ts";
import { envVerb } from "./verbs/env.ts";
import { forgetVerb } from "./verbs/forget.ts";
import { destroyVerb, previewVerb, refreshVerb, upVerb } from "./verbs/operations.ts";
import { rackVerb } from "./verbs/rack.ts";
import { setupVerb } from "./verbs/setup.ts";
import { testVerb } from "./verbs/test.ts";
import { trustVerb } from "./verbs/trust.ts";
import { unlockVerb } from "./verbs/unlock.ts";

program
  .name("racksmith")
  .description(
    "Turns bare GPU servers into LLM inference nodes over SSH, and keeps them that way, with Pulumi.",
  )
  .usage("<verb> [options]")
  .enablePositionalOptions()
  .showHelpAfterError("(--help shows how it is used)")
  .configureHelp({ sortSubcommands: false })
  .addHelpText(
    "after",
    `
Examples:
  $ ./racksmith up entry-4090 --rack     a virtual server, made into an inference node
  $ ./racksmith trust 10.1.0.7 --stack lab
  $ ./racksmith preview lab              what differs between the servers and Pulumi.lab.yaml
  $ ./racksmith up lab                   mend it
${exitCodesHelp}

Folders:
  \${RACKSMITH_CACHE:-~/.cache/racksmith}        what can be made again; safe to delete
  \${RACKSMITH_STATE:-~/.local/state/racksmith}  Pulumi state and its passphrase; keep a copy`,
  );

for (const verb of [
  upVerb,
  previewVerb,
  refreshVerb,
  destroyVerb,
  trustVerb,
  unlockVerb,
  forgetVerb,
  setupVerb,
  envVerb,
  doctorVerb,
  rackVerb,
  testVerb,
]) {
  program.addCommand(verb());
}
program.exitOverride((exit) => process.exit(exit.exitCode === 0 ? 0 : exitCodes.usage));
for (const verb of program.commands) verb.copyInheritedSettings(program);

try {
  await program.parseAsync();
} catch (error) {
  // The rack's errors are meant for the person too, but the rack is not loaded for every verb.
  if (error instanceof Error && error.name === "RackError") {
    say(`${pc.red("racksmith:")} ${error.message}`);
    process.exitCode = exitCodes.failed;
  } else if (error instanceof CliError) {
    if (error.message) say(`${pc.red("racksmith:")} ${error.message}`);
    process.exitCode = error.exitCode;
  } else {
    say(`${pc.red("racksmith: unexpected:")} ${error instanceof Error ? error.stack : String(error)}`);
    process.exitCode = exitCodes.failed;
  }
}
