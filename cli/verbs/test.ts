import { Argument, Command } from "commander";
import { prepareEngine } from "../engine/prepare.ts";
import { CliError } from "../errors.ts";
import { say } from "../progress.ts";
import { hasTests, type Level, levels, runLevel } from "../testing/levels.ts";
import { summary, type Tally, total } from "../testing/tally.ts";

export function testVerb(): Command {
  return new Command("test")
    .description("check this checkout: lint, unit, engine, conformance, rack, or all of it")
    .addArgument(new Argument("[level]", "what to run").choices([...levels, "all"]).default("all"))
    .argument("[filters...]", "only test files whose path contains one of these")
    .addHelpText(
      "after",
      `
Levels:
  lint         types, style, shellcheck, shfmt, go vet
  unit         no network, no engine; under a minute
  engine       with the real Pulumi engine
  conformance  the command and docker plugins, whichever edition RACKSMITH_PLUGINS says
  rack         on virtual servers: everything for real, and the longest

The last line is \`N passed, N failed\`. Exits 1 when something failed or nothing ran.

Examples:
  $ ./racksmith test unit
  $ ./racksmith test unit test/cli
  $ RACKSMITH_PLUGINS=official ./racksmith test conformance`,
    )
    .action(async (asked: Level | "all", filters: string[]) => {
      // First, for the unit level tests the engine's build with the Go that this may bring.
      if (asked === "all") await prepareEngine();
      const tallies: Tally[] = [];
      const absent: Level[] = [];
      for (const level of asked === "all" ? levels : [asked]) {
        if (await hasTests(level)) tallies.push(...(await runLevel(level, filters)));
        else absent.push(level);
      }
      if (absent.length > 0) say(`No tests there: ${absent.join(", ")}`);
      process.stdout.write(`\n${summary(tallies)}\n`);
      const failed = total(tallies, "failed");
      if (failed > 0 || total(tallies, "passed") === 0) throw new CliError("");
    });
}
