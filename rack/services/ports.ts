import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RackError } from "../errors.ts";
import { portsOfOthers } from "../node/files.ts";
import { rackStateDir } from "../paths.ts";
import { freePorts, isFree } from "../ports.ts";

/** TCP ports on the workstation's loopback. Nodes remember them, so they are chosen once for a rack. */
export interface ServicePorts {
  repository: number;
  /** Where nodes pull images. */
  registry: number;
  /** Where the workstation pushes them. */
  push: number;
}

const file = (): string => join(rackStateDir(), "service-ports.json");

/** The rack's ports, chosen at its first start. */
export async function servicePorts(): Promise<ServicePorts> {
  // Written here only, whole or not at all.
  if (existsSync(file())) return JSON.parse(readFileSync(file(), "utf8")) as ServicePorts;
  const wishes = [undefined, undefined, undefined];
  const [repository = 0, registry = 0, push = 0] = await freePorts(wishes, portsOfOthers(""));
  const ports = { repository, registry, push };
  writeFileSync(`${file()}.new`, `${JSON.stringify(ports)}\n`);
  renameSync(`${file()}.new`, file());
  return ports;
}

/** Fails when a service that is not running finds its port taken. */
export async function mustBeFree(port: number, service: string): Promise<void> {
  if (await isFree(port)) return;
  throw new RackError(
    `127.0.0.1:${port} is the rack's ${service}, but another program listens there (\`ss -ltnp sport = :${port}\`` +
      ` says which); end it, or delete ${file()} and reset the nodes to have other ports chosen`,
  );
}
