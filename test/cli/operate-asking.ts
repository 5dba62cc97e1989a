// Runs `operate` as racksmith does when it asks. In the environment: STACK, as JSON.
import { CliError, messageOf } from "../../cli/errors.ts";
import { operate } from "../../cli/stack/operate.ts";

try {
  await operate("up", JSON.parse(process.env.STACK ?? ""), { yes: false, more: [] });
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = error instanceof CliError ? error.exitCode : 99;
}
