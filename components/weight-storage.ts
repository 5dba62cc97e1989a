import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../config/connection.ts";
import type { NodeConfig } from "../config/index.ts";
import type { Manifest } from "../config/weights-manifest.ts";
import { Raid, Vault, Weights } from "./nouns.ts";

export interface WeightStorageArgs {
  connection: Connection;
  raid: NodeConfig["raid"];
  vault: NodeConfig["vault"];
  weights: NodeConfig["weights"];
  /** What the model's folder holds; absent when the node fetches the model from a URL. */
  manifest: Manifest | undefined;
}

/** Where the model lies: an array, an SM4 volume on it, and the versions of the model on that. */
export class WeightStorage extends pulumi.ComponentResource {
  constructor(name: string, args: WeightStorageArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("racksmith:components:WeightStorage", name, {}, opts);
    const array = makeArray(name, args, this);
    const vault = makeVault(name, args, { parent: this, dependsOn: array });
    makeWeights(name, args, { parent: this, dependsOn: vault });
    this.registerOutputs();
  }
}

function makeArray(
  name: string,
  { connection, raid }: WeightStorageArgs,
  parent: pulumi.Resource,
): pulumi.Resource[] {
  if (raid === undefined) return [];
  return [new Raid(name, { connection, ...raid }, { parent, protect: false })];
}

function makeVault(
  name: string,
  { connection, raid, vault }: WeightStorageArgs,
  opts: pulumi.CustomResourceOptions,
) {
  return new Vault(name, { connection, ...vault, device: vaultDevice(raid, vault) }, opts);
}

/** The device that is encrypted: the one named, or the array. */
export function vaultDevice(raid: NodeConfig["raid"], vault: NodeConfig["vault"]): string {
  const device = vault.device ?? (raid && `/dev/md/${raid.name}`);
  if (device === undefined)
    throw new Error("vault.device: is missing, and there is no raid section to take its array");
  return device;
}

function makeWeights(
  name: string,
  args: WeightStorageArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const { source, ...choice } = args.weights;
  if (source.kind === "url") {
    return new Weights(
      name,
      { connection: args.connection, ...choice, url: source.url, manifestSha256: source.manifestSha256 },
      opts,
    );
  }
  if (args.manifest === undefined) throw new Error(`${source.directory}: the model's files were not listed`);
  return new Weights(
    name,
    { connection: args.connection, ...choice, directory: source.directory, ...args.manifest },
    opts,
  );
}
