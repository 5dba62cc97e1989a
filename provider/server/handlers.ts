import type { WireObject } from "./codec.ts";
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

/** What a plugin does; the wire (`serve`) turns calls of the engine into calls of these. Errors thrown reach the person. */
export interface PluginHandlers {
  name: string;
  version: string;
  schema?(): string;
  /** Provider configuration: `Configure`'s arguments, secrets opened. */
  configure?(config: WireObject): Promise<void> | void;
  check(
    request: ResourceRequest,
    olds: WireObject,
    news: WireObject,
  ): Promise<{ inputs: WireObject; failures: CheckFailure[] }>;
  diff(
    request: ResourceRequest,
    id: string,
    olds: WireObject,
    news: WireObject,
    oldInputs: WireObject,
  ): Promise<Diffed>;
  create(request: ResourceRequest, inputs: WireObject): Promise<{ id: string; outputs: WireObject }>;
  /** `undefined` when the thing is gone. */
  read(
    request: ResourceRequest,
    id: string,
    state: WireObject,
    inputs: WireObject,
  ): Promise<{ id: string; outputs: WireObject; inputs: WireObject } | undefined>;
  update(request: ResourceRequest, id: string, olds: WireObject, news: WireObject): Promise<WireObject>;
  /** `inputs` are the last ones given; an engine of before 2023 leaves them empty. */
  delete(request: ResourceRequest, id: string, state: WireObject, inputs: WireObject): Promise<void>;
  /** Ctrl-C, and the end of every run. What runs is told by its signal; here connections are ended. */
  cancel?(): Promise<void> | void;
}

export type PluginFactory = (log: EngineLog) => PluginHandlers;
