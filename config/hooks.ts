import { z } from "zod";
import { secretText } from "./secret.ts";

const environmentName = z
  .string()
  .regex(/^[A-Z_][A-Z0-9_]{0,63}$/, "must be upper-case letters, digits and _, such as DEPLOY_TOKEN");

/** A command of the user's own. It runs when a host is first deployed and whenever its configuration changes. */
export const hook = z.strictObject({
  where: z
    .enum(["workstation", "node"])
    .describe("workstation: where pulumi runs, in bash. node: on the host, as the login user, in bash"),
  run: z
    .string()
    .min(1)
    .max(65_536)
    .describe("bash, with set -euo pipefail; kept in the state, so no secrets here"),
  environment: z
    .record(environmentName, secretText)
    .default({})
    .describe("variables for the command; values are treated as secrets and never reach an argv"),
});

/** Commands around a deployment, run through @pulumi/command. */
export const hooksConfig = z.strictObject({
  preDeploy: z.array(hook).max(20).default([]).describe("before anything on the host is touched, in order"),
  postDeploy: z
    .array(hook)
    .max(20)
    .default([])
    .describe("after everything on the host is in place, in order"),
});

export type Hook = z.output<typeof hook>;
export type HooksConfig = z.output<typeof hooksConfig>;
