// Runs `operate` as racksmith does, for a test that interrupts it. argv: the stack as JSON.
import { CliError, messageOf } from "../../cli/errors.ts";
import { operate } from "../../cli/stack/operate.ts";

try {
  await operate("up", JSON.parse(process.argv[2] ?? ""), { yes: true, more: [] });
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = error instanceof CliError ? error.exitCode : 99;
}
