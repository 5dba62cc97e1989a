// The Pulumi program of the cases: makes what the file $CONFORMANCE_PROGRAM says, with the official SDKs.
import { readFileSync } from "node:fs";
import { local, remote } from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

/** One resource: its arguments and the options that racksmith gives such resources. */
export interface Wanted {
  args: Record<string, unknown>;
  retainOnDelete?: boolean;
  additionalSecretOutputs?: string[];
}

/** What to make, by kind and name. In `args`, `{ $secret: V }` is a secret, `{ $image: NAME }` that image's id. */
export interface Program {
  docker?: { host: string; sshOpts?: string[] };
  images?: Record<string, Wanted>;
  volumes?: Record<string, Wanted>;
  containers?: Record<string, Wanted>;
  locals?: Record<string, Wanted>;
  remotes?: Record<string, Wanted>;
}

const wanted: Program = JSON.parse(readFileSync(process.env.CONFORMANCE_PROGRAM ?? "", "utf8"));
const images = new Map<string, docker.RemoteImage>();
const made: pulumi.Resource[] = [];

function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== "object" || value === null) return value;
  if ("$secret" in value) return pulumi.secret(opened(value.$secret));
  if ("$image" in value) return images.get(String(value.$image))?.imageId;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, opened(part)]));
}

function each<R extends pulumi.Resource>(
  kind: Exclude<keyof Program, "docker">,
  // biome-ignore lint/suspicious/noExplicitAny: resources of different kinds take different arguments
  make: new (name: string, args: any, opts: pulumi.CustomResourceOptions) => R,
  common: pulumi.CustomResourceOptions,
): [string, R][] {
  return Object.entries(wanted[kind] ?? {}).map(([name, { args, ...opts }]) => [
    name,
    new make(name, opened(args), { ...common, ...opts }),
  ]);
}

if (wanted.docker) {
  const provider = new docker.Provider("host", wanted.docker);
  for (const [name, image] of each("images", docker.RemoteImage, { provider })) images.set(name, image);
  for (const [, volume] of each("volumes", docker.Volume, { provider })) made.push(volume);
  each("containers", docker.Container, { provider, dependsOn: made, deleteBeforeReplace: true });
}
each("locals", local.Command, {});
each("remotes", remote.Command, {});
