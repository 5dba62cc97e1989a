import type { Decoded, Fields, Path } from "./codec.ts";
import type { EngineLog } from "./engine.ts";

/** One problem of an input: the property (`members[0].serial`) and what is wrong with it. */
export interface CheckFailure {
  property: string;
  reason: string;
}

export type PropertyDiffKind =
  | "add"
  | "update"
  | "delete"
  | "add-replace"
  | "update-replace"
  | "delete-replace";

export interface Diffed {
  /** By property path. Empty means no change. */
  detailed: Record<string, PropertyDiffKind>;
  deleteBeforeReplace?: boolean;
}

export interface ResourceRequest {
  urn: string;
  type: string;
  name: string;
  preview: boolean;
  signal: AbortSignal;
}

/** What a resource is after an operation. Secrets are paths into the outputs. */
export interface Outputs {
  outputs: Fields;
  secrets: readonly Path[];
}

/** What a plugin does; the wire (`serve`) turns calls of the engine into calls of these. Errors thrown reach the person. */
export interface PluginHandlers {
  name: string;
  version: string;
  schema?(): string;
  /** Provider configuration: `Configure`'s arguments, secrets opened. */
  configure?(config: Fields): Promise<void> | void;
  check(
    request: ResourceRequest,
    olds: Decoded,
    news: Decoded,
  ): Promise<{ inputs: Decoded; failures: CheckFailure[] }>;
  diff(
    request: ResourceRequest,
    id: string,
    olds: Decoded,
    news: Decoded,
    oldInputs: Decoded,
  ): Promise<Diffed>;
  create(request: ResourceRequest, inputs: Decoded): Promise<Outputs & { id: string }>;
  /** `undefined` when the thing is gone. */
  read(
    request: ResourceRequest,
    id: string,
    state: Decoded,
    inputs: Decoded,
  ): Promise<(Outputs & { id: string; inputs: Decoded }) | undefined>;
  update(request: ResourceRequest, id: string, olds: Decoded, news: Decoded): Promise<Outputs>;
  delete(request: ResourceRequest, id: string, state: Decoded): Promise<void>;
  /** Ctrl-C, and the end of every run. What runs is told by its signal; here connections are ended. */
  cancel?(): Promise<void> | void;
}

export type PluginFactory = (log: EngineLog) => PluginHandlers;
