import { z } from "zod";
import type { Change, NounDefinition, Refusal, ScriptInputs, Upload } from "./noun.ts";
import { HostError } from "./ssh/errors.ts";

export type Props = Record<string, unknown>;

/**
 * A noun with its types closed over: what the lifecycle and the server work with. Each method parses what it is
 * given, so that a noun's own functions only ever see values of their schema.
 */
export interface AnyNoun {
  readonly name: string;
  readonly inputs: z.ZodObject;
  readonly facts: z.ZodObject;
  readonly secrets: readonly string[];
  readonly replaceOn: readonly string[];
  readonly triedByAct: readonly string[];
  /** @throws HostError when the node answered something else than the noun's facts */
  parseFacts(host: string, raw: unknown): Props;
  compare(inputs: Props, facts: Props): Change[];
  refuse(inputs: Props, facts: Props): Refusal[];
  forObserve(inputs: Props): ScriptInputs;
  forAct(inputs: Props, facts: Props): ScriptInputs;
  uploads(inputs: Props, facts: Props): Promise<Upload[]>;
}

/** What any `defineNoun` returns; its functions take types that only `closed` can promise. */
export interface SomeNoun
  extends Omit<
    NounDefinition<z.ZodObject, z.ZodObject>,
    "compare" | "refuse" | "forObserve" | "forAct" | "uploads"
  > {
  // Method syntax: parameters are bivariant, so that every noun fits.
  compare(inputs: Props, facts: Props): Change[];
  refuse?(inputs: Props, facts: Props): Refusal[];
  forObserve(inputs: Props): ScriptInputs;
  forAct(inputs: Props, facts: Props): ScriptInputs;
  uploads?(inputs: Props, facts: Props): Promise<Upload[]>;
}

/** Closes a noun's types over. */
export function closed(noun: SomeNoun): AnyNoun {
  const inputs = (props: Props) => noun.inputs.parse(props);
  const facts = (props: Props) => noun.facts.parse(props);
  return {
    name: noun.name,
    inputs: noun.inputs,
    facts: noun.facts,
    secrets: noun.secrets ?? [],
    replaceOn: noun.replaceOn ?? [],
    triedByAct: noun.triedByAct ?? [],
    parseFacts(host, raw) {
      const parsed = noun.facts.safeParse(raw);
      if (parsed.success) return parsed.data;
      throw new HostError({
        kind: "failed",
        host,
        tried: `${noun.name} observe`,
        problem: "it answered something that is not this noun's facts",
        lastLines: z.prettifyError(parsed.error).split("\n").slice(0, 20),
        remedy: "this is a fault in racksmith: observe.sh and the facts schema disagree",
      });
    },
    compare: (i, f) => noun.compare(inputs(i), facts(f)),
    refuse: (i, f) => noun.refuse?.(inputs(i), facts(f)) ?? [],
    forObserve: (i) => noun.forObserve(inputs(i)),
    forAct: (i, f) => noun.forAct(inputs(i), facts(f)),
    uploads: async (i, f) => (await noun.uploads?.(inputs(i), facts(f))) ?? [],
  };
}
