import { inspect } from "node:util";
import { z } from "zod";

const PRINTED = "[secret]";

/**
 * A value that must not be seen. However it is printed (template string, JSON, console.log, util.inspect)
 * it says `[secret]`; only `reveal()` gives the value, at the edge where it is used.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. For stdin, a key buffer or `pulumi.secret`; never for a message or an argv. */
  reveal(): string {
    return this.#value;
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return PRINTED;
  }

  toJSON(): string {
    return PRINTED;
  }

  get [Symbol.toStringTag](): string {
    return "Secret";
  }

  [Symbol.toPrimitive](): string {
    return PRINTED;
  }

  [inspect.custom](): string {
    return PRINTED;
  }
}

/** A string (or an already wrapped one) in, a `Secret` out. Its JSON Schema is that of a string. */
export const secretText = z
  .pipe(
    z.transform((value: string | Secret) => (value instanceof Secret ? value.reveal() : value)),
    z.string().min(1),
  )
  .transform((value) => new Secret(value));
