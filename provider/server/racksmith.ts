import { createHash } from "node:crypto";
import { type Connection, connectionSchema } from "../../config/connection.ts";
import type { AnyNoun, Props } from "../any-noun.ts";
import { describeChange } from "../describe.ts";
import { ensure, observe, plan, remove, type Work } from "../lifecycle.ts";
import { typeToken } from "../noun.ts";
import type { Report } from "../report.ts";
import { couldNotLook, isHostError } from "../ssh/errors.ts";
import type { Host } from "../ssh/host.ts";
import type { Pool } from "../ssh/pool.ts";
import type { Redactor } from "../ssh/redact.ts";
import { check } from "./check.ts";
import { toWire, UNKNOWN, type WireObject } from "./codec.ts";
import { Connections } from "./connections.ts";
import type { EngineLog } from "./engine.ts";
import type { Diffed, PluginHandlers, ResourceRequest } from "./handlers.ts";
import { InitFailed } from "./init-failed.ts";
import { type Plain, plain, sealed } from "./plain.ts";
import { pulumiSchema } from "./schema.ts";

export interface Setting {
  version: string;
  nouns: readonly AnyNoun[];
  pool: Pool;
  redactor: Redactor;
  log: EngineLog;
  /** Ends what is under way. */
  stop: () => void;
  /** Default: what this process's environment holds of the configuration. */
  connections?: Connections;
}

/** The racksmith provider: the engine's calls as steps of the lifecycle. */
export function racksmith(setting: Setting): PluginHandlers {
  const { nouns, pool, redactor, log, connections = new Connections() } = setting;
  const byToken = new Map(nouns.map((noun) => [typeToken(noun.name), noun]));
  /** URNs whose read the engine has not yet followed with the diff that ends a refresh. */
  const justRead = new Set<string>();

  function nounOf(request: ResourceRequest): AnyNoun {
    const noun = byToken.get(request.type);
    if (noun === undefined) throw new Error(`${request.type}: racksmith has no such resource`);
    return noun;
  }

  function reportOf({ urn }: ResourceRequest): Report {
    return {
      status: (text) => log.status(redactor.redact(text), urn),
      info: (text) => log.log("info", redactor.redact(text), urn),
      warn: (text) => log.log("warning", redactor.redact(text), urn),
    };
  }

  /** @param reach how the host is reached, from the connection among the inputs */
  function workOf(
    request: ResourceRequest,
    noun: AnyNoun,
    { props, secrets }: Plain,
    reach = (given: Connection) => given,
  ): Work {
    redactor.learn(secrets);
    redactor.learn(noun.secrets.map((key) => props[key]));
    const { connection, ...inputs } = props;
    const host: Host = pool.host(reach(connectionSchema.parse(connection)));
    return { noun, key: keyOf(request.urn), inputs, host, report: reportOf(request) };
  }

  /** Errors carry output of the host: no secret leaves in them. */
  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Error) error.message = redactor.redact(error.message);
      throw error;
    }
  }

  /** What a preview can say: unknowns stay unknown, and refusals come before anything is touched. */
  async function preview(request: ResourceRequest, noun: AnyNoun, inputs: WireObject): Promise<WireObject> {
    const given = plain(inputs);
    if (given.unknown.length > 0) return outputsOf(noun, inputs, undefined);
    const work = workOf(request, noun, given);
    try {
      const { facts, changes } = await plan(work);
      for (const change of changes) work.report.info(describeChange(change));
      return outputsOf(noun, inputs, changes.length === 0 ? facts : undefined);
    } catch (error) {
      if (!isHostError(error, "unreachable", "cut", "failed")) throw error;
      work.report.warn(`cannot look at the host yet: ${error.message}`);
      return outputsOf(noun, inputs, undefined);
    }
  }

  async function perform(
    request: ResourceRequest,
    id: string,
    inputs: WireObject,
    olds?: WireObject,
  ): Promise<WireObject> {
    const noun = nounOf(request);
    if (request.preview) return preview(request, noun, inputs);
    const given = plain(inputs);
    connections.give(given.props.connection);
    const work = workOf(request, noun, given);
    const acts = olds !== undefined && changed(noun.triedByAct, plain(olds), given).length > 0;
    let begun = false;
    const onBegin = () => {
      begun = true;
    };
    try {
      return outputsOf(noun, inputs, await ensure(work, onBegin, acts));
    } catch (error) {
      // Whatever ended it, once something was sent there the state must know of it, or `destroy` would pass it over.
      if (olds !== undefined || !begun) throw error;
      throw new InitFailed(id, inputs, outputsOf(noun, inputs, {}), error);
    }
  }

  return {
    name: "racksmith",
    version: setting.version,
    schema: () => pulumiSchema(nouns, setting.version),
    check: async (request, _olds, news) => {
      connections.give(plain(news).props.connection);
      return check(nounOf(request), news);
    },
    diff: (request, _id, olds, news, oldInputs) =>
      guarded(async () => {
        const noun = nounOf(request);
        const given = plain(news);
        const before = plain(Object.keys(oldInputs).length > 0 ? oldInputs : olds);
        const refreshing = justRead.delete(request.urn) && !differs(before.props, given.props);
        const replaced = changed(noun.replaceOn, before, given);
        if (replaced.length > 0) return replacement(replaced);
        if (given.unknown.length > 0) return updates(given.unknown.map(([first]) => String(first)));
        const work = workOf(request, noun, given);
        try {
          const { changes } = await plan(work);
          for (const change of changes) work.report.info(describeChange(change));
          const tried = changed(noun.triedByAct, before, given);
          for (const key of tried) work.report.info(`${key}: another one is given; whether it fits is tried`);
          return updates([...changes.map(({ path }) => path), ...tried]);
        } catch (error) {
          // The engine ends a refresh with a diff of the recorded inputs with themselves. What the program asks for
          // now comes later: a failure here would keep it from ever being looked at.
          const refused = isHostError(error, "refused");
          if (!refreshing || !(refused || couldNotLook(error))) throw error;
          if (refused) work.report.warn(`with what was asked for last: ${error.message}`);
          return updates([]);
        }
      }),
    create: (request, inputs) =>
      guarded(async () => {
        const id = idOf(request, inputs);
        return { id, outputs: await perform(request, id, inputs) };
      }),
    update: (request, id, olds, news) => guarded(() => perform(request, id, news, olds)),
    read: (request, id, state, inputs) =>
      guarded(async () => {
        const noun = nounOf(request);
        const given = Object.keys(inputs).length > 0 ? inputs : withoutFacts(state);
        if (Object.keys(given).length === 0)
          throw new Error(
            `${id}: racksmith resources cannot be imported: write them into the program, and what is there already is taken over`,
          );
        const work = workOf(request, noun, plain(given));
        justRead.add(request.urn);
        try {
          return { id, inputs: given, outputs: outputsOf(noun, given, await observe(work)) };
        } catch (error) {
          // Read goes by the recorded connection: a new pin, user or key is in the program, and diff looks with that.
          if (!couldNotLook(error)) throw error;
          work.report.warn(`${error.message}\n  the last known facts are kept`);
          return { id, inputs: given, outputs: state };
        }
      }),
    delete: (request, _id, state, inputs) =>
      guarded(async () => {
        const noun = nounOf(request);
        const last = Object.keys(inputs).length > 0 ? inputs : withoutFacts(state);
        await remove(workOf(request, noun, plain(last), (recorded) => connections.now(recorded)));
      }),
    cancel: () => setting.stop(),
  };
}

function outputsOf(noun: AnyNoun, inputs: WireObject, facts: Props | undefined): WireObject {
  return { ...sealed(inputs, noun.secrets), facts: facts === undefined ? UNKNOWN : toWire(facts) };
}

function withoutFacts({ facts: _, ...inputs }: WireObject): WireObject {
  return inputs;
}

function replacement(keys: readonly string[]): Diffed {
  return {
    detailed: Object.fromEntries(keys.map((key) => [key, "update-replace" as const])),
    deleteBeforeReplace: true,
  };
}

function updates(paths: readonly string[]): Diffed {
  return { detailed: Object.fromEntries(paths.map((path) => [path, "update" as const])) };
}

function changed(keys: readonly string[], before: Plain, given: Plain): string[] {
  return keys.filter((key) => differs(before.props[key], given.props[key]));
}

/** As JSON: both sides came from the wire, where key order is the only difference that means nothing. */
function differs(a: unknown, b: unknown): boolean {
  return canonical(a) !== canonical(b);
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, part: unknown) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? "undefined"
  );
}

/** Readable, and the same however often a resource is made: `rack1/raid/data`. */
function idOf(request: ResourceRequest, inputs: WireObject): string {
  const { connection } = plain(inputs).props;
  const name =
    typeof connection === "object" && connection !== null && "name" in connection
      ? connection.name
      : "unknown";
  const noun = request.type.split(":")[2] ?? request.type;
  return `${String(name)}/${noun.toLowerCase()}/${request.name}`;
}

/** Names the resource on the node, where its acts are told apart. */
function keyOf(urn: string): string {
  return createHash("sha256").update(urn).digest("hex").slice(0, 24);
}
