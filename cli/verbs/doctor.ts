import { Command } from "commander";
import pc from "picocolors";
import { type Check, runChecks } from "../doctor.ts";
import { CliError, exitCodes } from "../errors.ts";

export function doctorVerb(): Command {
  return new Command("doctor")
    .description("say what is there, what is missing, why it matters, and what to do")
    .option("--json", "the same as JSON, for scripts")
    .addHelpText("after", "\nChanges nothing. Exits 1 when something that is needed is missing.")
    .action(async (options: { json?: boolean }) => {
      const checks = await runChecks();
      process.stdout.write(options.json ? `${JSON.stringify(checks, null, 2)}\n` : table(checks));
      if (checks.some((check) => check.state === "missing")) throw new CliError("", exitCodes.failed);
    });
}

const marks = { ok: pc.green("✓"), optional: pc.yellow("○"), missing: pc.red("✗") };

/** One line a check; for what is not there, why it matters and what to do below it. */
export function table(checks: readonly Check[]): string {
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.flatMap((check) => {
    const head = `${marks[check.state]} ${check.name.padEnd(width)}  ${check.found}`;
    if (check.state === "ok") return [head];
    const margin = " ".repeat(width + 4);
    return [head, `${margin}${pc.dim("why:")} ${check.why}`, `${margin}${pc.dim("do: ")} ${check.remedy}`];
  });
  const missing = checks.filter((check) => check.state === "missing").length;
  const optional = checks.filter((check) => check.state === "optional").length;
  const verdict = missing
    ? pc.red(`${missing} needed and missing`)
    : `Nothing that is needed is missing${optional ? `; ${optional} optional (○)` : ""}.`;
  return `${lines.join("\n")}\n\n${verdict}\n`;
}
