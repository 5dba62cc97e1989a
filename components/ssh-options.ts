import type { Connection, Endpoint } from "../config/connection.ts";

/** Files on the workstation that the ssh binary reads. */
export interface SshFiles {
  /** Absent when only the agent is used. */
  keyFile?: string;
  knownHostsFile: string;
}

/** The host as @pulumi/docker names it. */
export function dockerHostUrl({ user, address, port }: Endpoint): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return `ssh://${user}@${host}:${port}`;
}

/** Lines of a known_hosts file: the pinned keys of an endpoint and nothing else. */
export function knownHostsLines({ address, port, hostKeys }: Endpoint): string {
  const name = port === 22 ? address : `[${address}]:${port}`;
  return hostKeys.map((key) => `${name} ${key}\n`).join("");
}

/** Arguments of ssh for a connection: pinned keys only, never a question. */
export function sshOptions(connection: Connection, files: SshFiles, jumpFiles?: SshFiles): string[] {
  const jump = jumpOf(connection);
  const proxy = jump && jumpFiles ? ["-o", `ProxyCommand=${proxyCommand(jump, jumpFiles)}`] : [];
  return [
    ...baseOptions(files),
    ...(files.keyFile === undefined ? [] : ["-o", "IdentitiesOnly=yes"]),
    "-o",
    `ConnectTimeout=${Math.ceil(connection.connectTimeoutSeconds)}`,
    ...proxy,
  ];
}

/** The one jump host that the ssh binary can be told to pass; a chain of several is not supported here. */
export function jumpOf({ jump }: Connection): Endpoint | undefined {
  if (!Array.isArray(jump)) return jump;
  if (jump.length > 1)
    throw new Error("containers over SSH pass at most one jump host; found a list of several");
  return jump[0];
}

function proxyCommand(jump: Endpoint, files: SshFiles): string {
  return [
    "ssh",
    ...baseOptions(files),
    "-p",
    String(jump.port),
    "-W",
    "%h:%p",
    `${jump.user}@${jump.address}`,
  ].join(" ");
}

function baseOptions({ keyFile, knownHostsFile }: SshFiles): string[] {
  const paths = keyFile === undefined ? [knownHostsFile] : [keyFile, knownHostsFile];
  for (const path of paths) {
    if (!/^[A-Za-z0-9/._~+@-]+$/.test(path)) {
      throw new Error(
        `${path}: ssh options cannot carry this path, found a blank or a sign, wanted letters, digits and / . _ ~ + @ -`,
      );
    }
  }
  return [
    ...(keyFile === undefined ? [] : ["-i", keyFile]),
    "-o",
    `UserKnownHostsFile=${knownHostsFile}`,
    "-o",
    "StrictHostKeyChecking=yes",
    "-o",
    "BatchMode=yes",
  ];
}
