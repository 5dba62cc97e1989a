// The Pulumi program: read the whole configuration, or say everything that is wrong with it; then deploy its hosts.
import * as pulumi from "@pulumi/pulumi";
import { ConfigError, parseStackConfig } from "./config/index.ts";
import { pulumiValues } from "./config/pulumi-values.ts";
import { deploy } from "./stacks/index.ts";

const parsed = parseStackConfig(pulumiValues(pulumi.runtime.allConfig(), pulumi.getProject()));
if ("problems" in parsed) {
  throw new pulumi.RunError(new ConfigError(parsed.problems, `stack ${pulumi.getStack()}`).message);
}

/** By host name: where it answers, what it serves, where its metrics are, and what a destroy leaves behind. */
export const hosts = deploy(parsed.config, pulumi.getStack());
