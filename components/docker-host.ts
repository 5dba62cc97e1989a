import * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../config/connection.ts";
import { sshFolder, writeSshFiles } from "./ssh-files.ts";
import { dockerHostUrl, sshOptions } from "./ssh-options.ts";

/** @pulumi/docker pointed at a host over SSH, with the pinned host keys and nothing else trusted. */
export function dockerProvider(
  name: string,
  connection: Connection,
  opts: pulumi.ResourceOptions,
): docker.Provider {
  const files = writeSshFiles(connection, sshFolder());
  return new docker.Provider(
    name,
    { host: dockerHostUrl(connection), sshOpts: sshOptions(connection, files.host, files.jump) },
    opts,
  );
}

/** An image on the host before anything needs it. It stays when the stack goes: images are not data, and cost hours. */
export function pulledImage(
  name: string,
  reference: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
): docker.RemoteImage {
  return new docker.RemoteImage(name, { name: reference, keepLocally: true }, opts);
}
