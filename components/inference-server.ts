import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../config/connection.ts";
import type { NodeConfig } from "../config/index.ts";
import { Inference } from "./nouns.ts";

export interface InferenceServerArgs {
  connection: Connection;
  stack: string;
  inference: NodeConfig["inference"];
  weights: NodeConfig["weights"];
  /** Reaches Docker on the host. */
  docker: docker.Provider;
}

/** The engine with its image pulled beforehand, and the gateway in front of it. */
export class InferenceServer extends pulumi.ComponentResource {
  /** Base URL of the OpenAI API. */
  readonly endpoint: string;

  constructor(name: string, args: InferenceServerArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("racksmith:components:InferenceServer", name, {}, opts);
    const image = pullImage(name, args, { parent: this, provider: args.docker });
    startEngine(name, args, { parent: this, dependsOn: image });
    this.endpoint = endpointOf(args.connection, args.inference);
    this.registerOutputs({ endpoint: this.endpoint });
  }
}

/** The image is on the host before the engine is stopped. It stays when the stack goes: it is no data, and costs hours. */
function pullImage(name: string, { inference }: InferenceServerArgs, opts: pulumi.CustomResourceOptions) {
  return new docker.RemoteImage(name, { name: inference.image, keepLocally: true }, opts);
}

function startEngine(
  name: string,
  args: InferenceServerArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const { connection, stack, inference, weights } = args;
  const weightsVersion = `${weights.name}-${weights.version}`;
  return new Inference(name, { connection, stack, weightsVersion, ...inference }, opts);
}

/** Where clients reach the gateway: its own address, or the host's where it listens on all of them. */
export function endpointOf(
  connection: Pick<Connection, "address">,
  inference: NodeConfig["inference"],
): string {
  const { address, port, tlsPemPath } = inference.gateway;
  const host = address === "0.0.0.0" ? connection.address : address;
  const bracketed = host.includes(":") ? `[${host}]` : host;
  return `${tlsPemPath === undefined ? "http" : "https"}://${bracketed}:${port}/v1`;
}
