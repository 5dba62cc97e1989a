import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../config/connection.ts";
import type { NodeConfig } from "../config/index.ts";
import { Docker } from "./nouns.ts";
import { sshFolder, writeSshFiles } from "./ssh-files.ts";
import { dockerHostUrl, sshOptions } from "./ssh-options.ts";

export interface DockerRuntimeArgs {
  connection: Connection;
  docker: NodeConfig["docker"];
  /** The host has GPUs that containers are to see. */
  gpu: boolean;
}

/** Docker on the host, and the provider through which images and monitoring containers reach it. */
export class DockerRuntime extends pulumi.ComponentResource {
  readonly provider: docker.Provider;

  constructor(name: string, args: DockerRuntimeArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("racksmith:components:DockerRuntime", name, {}, opts);
    const engine = installEngine(name, args, { parent: this });
    this.provider = reach(name, args.connection, { parent: this, dependsOn: engine });
    this.registerOutputs();
  }
}

function installEngine(
  name: string,
  { connection, docker, gpu }: DockerRuntimeArgs,
  opts: pulumi.CustomResourceOptions,
) {
  // The docker plugin logs in as this user and has no sudo.
  const users = connection.user === "root" ? [] : [connection.user];
  return new Docker(name, { connection, ...docker, gpu, users }, opts);
}

/** @pulumi/docker pointed at the host over SSH, with the pinned host keys and nothing else trusted. */
function reach(name: string, connection: Connection, opts: pulumi.CustomResourceOptions): docker.Provider {
  const files = writeSshFiles(connection, sshFolder());
  const sshOpts = sshOptions(connection, files.host, files.jump);
  return new docker.Provider(name, { host: dockerHostUrl(connection), sshOpts }, opts);
}
