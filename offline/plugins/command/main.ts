import { randomBytes } from "node:crypto";
import { serve } from "../../../provider/server/serve.ts";
import { pluginFactory } from "../shared/plugin.ts";
import type { Context, PluginResource } from "../shared/resource.ts";
import {
  type LocalInputs,
  type LogLine,
  localInputs,
  type Ran,
  type RemoteInputs,
  remoteInputs,
} from "./inputs.ts";
import { runLocal } from "./local.ts";
import { runRemote } from "./remote.ts";

type Run<I> = (
  command: string,
  inputs: I,
  previous: Ran | undefined,
  log: LogLine,
  signal: AbortSignal,
) => Promise<Ran>;

/** Both commands live alike: create runs `create`; update runs `update`, else `create`; delete runs `delete`. */
function commandResource<I extends LocalInputs | RemoteInputs>(
  inputs: PluginResource<I>["inputs"],
  run: Run<I>,
  secrets: readonly string[],
): PluginResource<I> {
  const logLine =
    ({ log, request }: Context) =>
    (line: string) =>
      log.log("info", line, request.urn);
  const runIn = (command: string, given: I, previous: Ran | undefined, context: Context) =>
    run(command, given, previous, logLine(context), context.request.signal);
  return {
    inputs,
    secrets,
    replaces: (property) => property === "triggers",
    unknownInPreview: ["stdout", "stderr"],
    async create(given, context) {
      const id = `${context.request.name}${randomBytes(4).toString("hex")}`;
      const ran = given.create === undefined ? {} : await runIn(given.create, given, undefined, context);
      return { id, outputs: { ...given, stdout: "", stderr: "", ...ran } };
    },
    read: async (id, known) => ({ id, outputs: known }),
    async update(_id, given, known, context) {
      const previous = previousRun(known);
      const command = given.update ?? given.create;
      const ran = command === undefined ? previous : await runIn(command, given, previous, context);
      return { ...given, ...ran };
    },
    async delete(_id, known, context) {
      const { stdout: _stdout, stderr: _stderr, ...rest } = known;
      const given = inputs.parse(rest);
      if (given.delete !== undefined) await runIn(given.delete, given, previousRun(known), context);
    },
  };
}

function previousRun(known: Record<string, unknown>): Ran {
  return { stdout: String(known.stdout ?? ""), stderr: String(known.stderr ?? "") };
}

await serve(
  pluginFactory({
    name: "command",
    version: "1.2.1",
    resources: {
      "command:local:Command": commandResource(localInputs, runLocal, []),
      "command:remote:Command": commandResource(remoteInputs, runRemote, ["connection"]),
    },
  }),
);
