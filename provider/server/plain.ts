import { Secret } from "../../config/secret.ts";
import type { Props } from "../any-noun.ts";
import { Opaque, SecretValue, toWire, Unknown, type Wire, type WireObject } from "./codec.ts";

export type Path = readonly (string | number)[];

export interface Plain {
  /** The value without wrappers; an unknown part stays the `Unknown` object. */
  props: Props;
  /** Where parts are not known yet. */
  unknown: Path[];
  /** Values that arrived as secrets. */
  secrets: unknown[];
}

/** Takes the wrappers off an object from the wire, and says where they were. */
export function plain(object: WireObject): Plain {
  const unknown: Path[] = [];
  const secrets: unknown[] = [];
  const strip = (wire: Wire, path: Path): unknown => {
    if (wire instanceof Unknown) {
      unknown.push(path);
      return wire;
    }
    if (wire instanceof SecretValue) {
      const inner = strip(wire.value, path);
      secrets.push(inner);
      return inner;
    }
    if (wire instanceof Opaque) return wire;
    if (Array.isArray(wire)) return wire.map((part, index) => strip(part, [...path, index]));
    return typeof wire === "object" && wire !== null ? stripObject(wire as WireObject, path) : wire;
  };
  const stripObject = (value: WireObject, path: Path): Props =>
    Object.fromEntries(
      Object.entries(value).flatMap(([key, part]) => {
        // On the wire null and absent are the same; schemas know only absent.
        const stripped = strip(part, [...path, key]);
        return stripped === null ? [] : [[key, stripped] as const];
      }),
    );
  return { props: stripObject(object, []), unknown, secrets };
}

/** Puts secret wrappers where the sender had them, over a value of the same shape. */
export function rewrap(value: unknown, sent: Wire | undefined): Wire {
  if (sent instanceof SecretValue) return new SecretValue(rewrap(value, sent.value));
  if (value instanceof Secret) return new SecretValue(value.reveal());
  if (Array.isArray(value)) {
    return value.map((part, index) => rewrap(part, Array.isArray(sent) ? sent[index] : undefined));
  }
  if (isObject(value)) {
    const from = isObject(sent) ? (sent as WireObject) : {};
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, part]) =>
        part === undefined
          ? []
          : [[key, rewrap(part, Object.hasOwn(from, key) ? from[key] : undefined)] as const],
      ),
    );
  }
  return toWire(value);
}

/** Wraps the named properties as secrets, once. */
export function sealed(object: WireObject, names: readonly string[]): WireObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, part]) => [
      key,
      names.includes(key) && !(part instanceof SecretValue) && part !== null ? new SecretValue(part) : part,
    ]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(
      value instanceof Unknown ||
      value instanceof SecretValue ||
      value instanceof Opaque ||
      value instanceof Secret
    )
  );
}
