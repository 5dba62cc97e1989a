import { readFileSync } from "node:fs";
import { local, remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../config/connection.ts";
import type { Hook } from "../config/hooks.ts";
import { commandConnection, hookScript, localScript, NODE_COMMAND } from "./hook-commands.ts";
import { expandHome } from "./ssh-files.ts";

export interface HooksArgs {
  connection: Connection;
  hooks: readonly Hook[];
  /** The hooks run again when this changes. */
  trigger: pulumi.Input<string>;
}

/** The user's own commands around a deployment, one after the other. */
export class Hooks extends pulumi.ComponentResource {
  constructor(name: string, args: HooksArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("racksmith:components:Hooks", name, {}, opts);
    args.hooks.reduce<pulumi.Resource[]>((earlier, hook, index) => {
      const command = runHook(`${name}-${index}`, hook, args, { parent: this, dependsOn: earlier });
      return [command];
    }, []);
    this.registerOutputs();
  }
}

function runHook(
  name: string,
  hook: Hook,
  args: HooksArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  // Whatever a command prints may hold what it was given, so it is kept out of the log and encrypted in the state.
  const quiet = Object.keys(hook.environment).length > 0;
  const options = quiet ? { ...opts, additionalSecretOutputs: ["stdout", "stderr"] } : opts;
  if (hook.where === "workstation") {
    const environment = Object.entries(hook.environment).map(([key, value]) => [
      key,
      pulumi.secret(value.reveal()),
    ]);
    return new local.Command(
      name,
      {
        create: localScript(hook),
        interpreter: ["/bin/bash", "-c"],
        environment: Object.fromEntries(environment),
        triggers: [args.trigger],
        logging: quiet ? local.Logging.None : local.Logging.StdoutAndStderr,
      },
      options,
    );
  }
  const connection = commandConnection(args.connection, (path) => readFileSync(expandHome(path), "utf8"));
  return new remote.Command(
    name,
    {
      create: NODE_COMMAND,
      stdin: pulumi.secret(hookScript(hook)),
      triggers: [args.trigger],
      logging: quiet ? remote.Logging.None : remote.Logging.StdoutAndStderr,
      connection: pulumi.secret(connection),
    },
    options,
  );
}
