import type { z } from "zod";

/** What a change does to the people who use the host, mildest first. */
export type Disruption = "none" | "reload" | "container restart" | "reboot" | "data loss";

/** One thing on the host that is not as wanted. `path` is that of an input where there is one. */
export interface Change {
  path: string;
  found: unknown;
  wanted: unknown;
  disruption: Disruption;
  why?: string;
}

/** Something no act may mend: a person has to decide or to fix it. */
export interface Refusal {
  path: string;
  found: unknown;
  wanted: unknown;
  remedy: string;
}

/** Bytes of a local file to stream to the node before `apply`. */
export interface Upload {
  localPath: string;
  /** Name of the staging file on the node, `[A-Za-z0-9._-]{1,128}`: /var/lib/racksmith/incoming/KEY. */
  key: string;
  sizeBytes: number;
  /** How much of it the node has already: the facts say so. */
  offsetBytes: number;
}

/** What a script reads on stdin, one `key=value` line each; a list is a repeated key. */
export type ScriptInputs = Record<string, ScriptValue | readonly ScriptValue[]>;
export type ScriptValue = string | number | boolean;

export interface NounDefinition<I extends z.ZodObject, F extends z.ZodObject> {
  /** Folder name under ansible-free-scripts/ and, capitalised, the type token. */
  name: string;
  /** Inputs without `connection`, which every resource has. Parsing twice must give the same as once. */
  inputs: I;
  /** What observe.sh prints. Stable values only: no uptime, no counters. */
  facts: F;
  /** Inputs marked secret in the state, redacted everywhere, never handed to observe. */
  secrets?: readonly (keyof z.infer<I> & string)[];
  /** Inputs that only an act can hold against the host, as a key is: another value calls for an act. */
  triedByAct?: readonly (keyof z.infer<I> & string)[];
  /** Pure. Empty means in sync. */
  compare(inputs: z.infer<I>, facts: z.infer<F>): Change[];
  /** Pure. What no act may mend; evaluated in previews and before any act. */
  refuse?(inputs: z.infer<I>, facts: z.infer<F>): Refusal[];
  /** What observe.sh gets. Never a secret. */
  forObserve(inputs: z.infer<I>): ScriptInputs;
  /** What apply.sh and remove.sh get. */
  forAct(inputs: z.infer<I>, facts: z.infer<F>): ScriptInputs;
  /** What has to be on the node before apply.sh starts. */
  uploads?(inputs: z.infer<I>, facts: z.infer<F>): Promise<Upload[]>;
  /** Inputs that name the thing: changing one makes it a different thing (the old one is removed). */
  replaceOn?: readonly (keyof z.infer<I> & string)[];
}

/** Declares a noun. Returns the definition as it is, with its types fixed. */
export function defineNoun<I extends z.ZodObject, F extends z.ZodObject>(
  definition: NounDefinition<I, F>,
): NounDefinition<I, F> {
  return definition;
}

/** `raid` → `racksmith:index:Raid`. */
export function typeToken(nounName: string): string {
  return `racksmith:index:${nounName.charAt(0).toUpperCase()}${nounName.slice(1)}`;
}
