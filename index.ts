// The Pulumi program: read the whole configuration, or say everything that is wrong with it; then deploy its hosts.
import * as pulumi from "@pulumi/pulumi";
import { ConfigError, parseStackConfig } from "./config/index.ts";
import { pulumiValues } from "./config/pulumi-values.ts";
import { deploy } from "./stacks/index.ts";

/** A configuration that is wrong is told as it is; anything else is a fault of the program and keeps its stack. */
async function run() {
  const parsed = parseStackConfig(pulumiValues(pulumi.runtime.allConfig(), pulumi.getProject()));
  if ("problems" in parsed) throw new ConfigError(parsed.problems, `stack ${pulumi.getStack()}`);
  return deploy(parsed.config, pulumi.getStack());
}

/** By host name: where it answers, what it serves, where its metrics are, and what a destroy leaves behind. */
export const hosts = await run().catch((error: unknown) => {
  throw error instanceof ConfigError ? new pulumi.RunError(error.message) : error;
});
