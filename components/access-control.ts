import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../config/connection.ts";
import type { NodeConfig } from "../config/index.ts";
import { vaultMountPoint } from "../config/vault.ts";
import { inferenceUnit } from "../provider/resources/inference/units.ts";
import { Access, Files } from "./nouns.ts";

export interface AccessControlArgs {
  connection: Connection;
  access: NodeConfig["access"];
  inference: NodeConfig["inference"];
  /** The user's own small files. */
  files: NodeConfig["files"];
}

/** Who may do what on the host: the three roles, and the user's own configuration files. */
export class AccessControl extends pulumi.ComponentResource {
  constructor(name: string, args: AccessControlArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("racksmith:components:AccessControl", name, {}, opts);
    const files = writeFiles(name, args, { parent: this });
    grantRoles(name, args, { parent: this, dependsOn: files });
    this.registerOutputs();
  }
}

function grantRoles(
  name: string,
  { connection, access, inference }: AccessControlArgs,
  opts: pulumi.CustomResourceOptions,
) {
  const wiring = {
    connectionUser: connection.user,
    engineUnits: [inferenceUnit(inference.name), "racksmith-gateway.service"],
    nodeUnits: ["docker.service"],
    vaultPath: vaultMountPoint,
  };
  return new Access(name, { connection, ...access, ...wiring }, opts);
}

function writeFiles(
  name: string,
  { connection, files }: AccessControlArgs,
  opts: pulumi.CustomResourceOptions,
) {
  if (files.length === 0) return [];
  const secret = files.flatMap(({ path, secretContent }) =>
    secretContent ? [[path, secretContent] as const] : [],
  );
  const inputs = {
    name: "user",
    files: files.map(({ secretContent: _, content, ...file }) =>
      content === undefined ? file : { ...file, content },
    ),
    secretContents: Object.fromEntries(secret),
  };
  return [new Files(`${name}-files`, { connection, ...inputs }, opts)];
}
