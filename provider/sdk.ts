import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import type { Connection, ConnectionInput } from "../config/connection.ts";
import { Secret } from "../config/secret.ts";
import { type NounDefinition, typeToken } from "./noun.ts";

/** T with every part of it allowed to be an Output, and every string a `Secret`. */
export type DeepInput<T> = pulumi.Input<
  T extends string
    ? T | Secret
    : T extends Secret | number | boolean | null | undefined
      ? T
      : T extends readonly (infer E)[]
        ? DeepInput<E>[]
        : T extends object
          ? { [K in keyof T]: DeepInput<T[K]> }
          : T
>;

type Fields<T> = { [K in keyof T]: DeepInput<T[K]> };
type Outputs<T> = { readonly [K in keyof T]: pulumi.Output<T[K]> };

/** Arguments of a noun's resource: its inputs and the host's connection. */
export type NounArgs<I extends z.ZodObject> = Fields<z.input<I>> & { connection: DeepInput<ConnectionInput> };

/** A noun's resource: every input as an output, and the `facts` observed on the host. */
export type NounResource<I extends z.ZodObject, F extends z.ZodObject> = pulumi.CustomResource &
  Outputs<z.infer<I>> & {
    readonly connection: pulumi.Output<Connection>;
    readonly facts: pulumi.Output<z.infer<F>>;
  };

export type NounClass<I extends z.ZodObject, F extends z.ZodObject> = new (
  name: string,
  args: NounArgs<I>,
  opts?: pulumi.CustomResourceOptions,
) => NounResource<I, F>;

/** The Pulumi resource class of a noun. Its properties follow from the zod definition, so none is written out. */
export function resourceClass<I extends z.ZodObject, F extends z.ZodObject>(
  noun: NounDefinition<I, F>,
): NounClass<I, F> {
  const token = typeToken(noun.name);
  const secrets = [...(noun.secrets ?? [])];
  class Resource extends pulumi.CustomResource {
    constructor(name: string, args: Record<string, unknown>, opts: pulumi.CustomResourceOptions = {}) {
      const declared = Object.fromEntries(Object.keys(noun.inputs.shape).map((key) => [key, undefined]));
      const given = Object.fromEntries(Object.entries(args).map(([key, value]) => [key, wrapSecrets(value)]));
      for (const key of secrets) if (given[key] !== undefined) given[key] = pulumi.secret(given[key]);
      super(
        token,
        name,
        { ...declared, ...given, facts: undefined },
        pulumi.mergeOptions(opts, { additionalSecretOutputs: secrets }),
      );
    }
  }
  // The SDK creates the properties at run time from the names given to super(): no static type can follow that.
  return Resource as unknown as NounClass<I, F>;
}

/** Every `Secret` in a value becomes a secret Output; Outputs and promises pass as they are. */
function wrapSecrets(value: unknown): unknown {
  if (value instanceof Secret) return pulumi.secret(value.reveal());
  if (Array.isArray(value)) return value.map(wrapSecrets);
  if (isPlainObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, wrapSecrets(part)]));
  }
  return value;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
