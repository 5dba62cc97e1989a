import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../config/connection.ts";
import type { NodeConfig } from "../config/index.ts";
import { pulledImage } from "./docker-host.ts";
import { Inference } from "./nouns.ts";

export interface InferenceServerArgs {
  connection: Connection;
  stack: string;
  inference: NodeConfig["inference"];
  /** Name and version of the model on the vault; a change restarts the engine on the new one. */
  weightsVersion: string;
}

/** The engine with its image pulled beforehand, and the gateway in front of it. */
export class InferenceServer extends pulumi.ComponentResource {
  /** Base URL of the OpenAI API. */
  readonly endpoint: string;

  constructor(name: string, args: InferenceServerArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("racksmith:components:InferenceServer", name, {}, opts);
    const image = pulledImage(`${name}-engine`, args.inference.image, { parent: this });
    startEngine(name, args, { parent: this, dependsOn: [image] });
    this.endpoint = endpointOf(args);
    this.registerOutputs({ endpoint: this.endpoint });
  }
}

function startEngine(
  name: string,
  { connection, stack, inference, weightsVersion }: InferenceServerArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  // TLS, keys and limits are the noun's business; the docker provider of this component is not meant for it.
  return new Inference(name, { connection, stack, weightsVersion, ...inference }, opts);
}

/** Where clients reach the gateway: its own address, or the host's where it listens on all of them. */
export function endpointOf({
  connection,
  inference,
}: Pick<InferenceServerArgs, "connection" | "inference">): string {
  const { address, port, tlsPemPath } = inference.gateway;
  const host = address === "0.0.0.0" ? connection.address : address;
  const bracketed = host.includes(":") ? `[${host}]` : host;
  return `${tlsPemPath === undefined ? "http" : "https"}://${bracketed}:${port}/v1`;
}
