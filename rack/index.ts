import { rackImages, tinyModelDirectory } from "./content.ts";
import { runningPid } from "./daemon.ts";
import { type Progress, RackError } from "./errors.ts";
import { clientKey, hostKey } from "./keys.ts";
import { nodeFiles, readRecord } from "./node/files.ts";
import { startNode } from "./node/lifecycle.ts";
import { LOGIN_USER } from "./node/ssh.ts";
import { nodeSpec } from "./nodes/index.ts";
import { nodeSecret } from "./secrets.ts";
import { ensureServices, type Services } from "./services/index.ts";
import { stackName, writeStackConfig } from "./stack.ts";

export { rackCommand } from "./command.ts";
export { RackError } from "./errors.ts";
export { powerCut, resetNode, startNode, stopNode, unplugNode } from "./node/lifecycle.ts";
export { onNode, sshArgv, waitForSsh } from "./node/ssh.ts";
export { ensureServices, stopServices } from "./services/index.ts";

/** A node that answers, and the stack that describes it. */
export interface RackNode {
  /** `Pulumi.rack-NAME.yaml`, outside the checkout. */
  configFile: string;
  stackName: string;
}

export interface EnsureOptions {
  tell: Progress;
  bootTimeoutSeconds?: number;
}

/**
 * Makes sure that the package repository, the image registry and the node run, waits for its SSH and writes
 * its stack config. Builds what the cache lacks. Throws a `RackError` that says what to do.
 */
export async function ensureNode(name: string, options: EnsureOptions): Promise<RackNode> {
  const spec = nodeSpec(name);
  const services = await ensureServices(options.tell);
  // The images are pushed while the node boots: it pulls them much later.
  const [images] = await Promise.all([
    rackImages(services.registry, options.tell),
    startNode(name, { ...options, site: services.site }),
  ]);
  const configFile = writeStackConfig(spec, {
    sshPort: forwardedPort(name, 22),
    user: LOGIN_USER,
    hostPublicKey: (await hostKey(name, options.tell)).public,
    privateKeyFile: (await clientKey(options.tell)).file,
    vaultKey: nodeSecret(name, "vault-key"),
    apiKey: nodeSecret(name, "api-key"),
    images,
    weightsDirectory: await tinyModelDirectory("v1"),
  });
  return { configFile, stackName: stackName(name) };
}

/** How this workstation reaches what the node serves: `http://NODE:8000/x` becomes `http://127.0.0.1:PORT/x`. */
export function reachedFromHere(name: string, endpoint: string): string {
  const url = new URL(endpoint);
  const guest = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  url.hostname = "127.0.0.1";
  url.port = `${forwardedPort(name, guest)}`;
  return url.href.replace(/\/$/, endpoint.endsWith("/") ? "/" : "");
}

/** The port on the workstation's loopback that leads to a port of the node. */
export function forwardedPort(name: string, guestPort: number): number {
  const spec = nodeSpec(name).ports.find(({ guest }) => guest === guestPort);
  const port = spec === undefined ? undefined : readRecord(name)?.ports[spec.name];
  if (port === undefined)
    throw new RackError(
      `${name}: port ${guestPort} of the node is not forwarded; forwarded are ` +
        nodeSpec(name)
          .ports.map(({ guest }) => guest)
          .join(", "),
    );
  return port;
}

export function isRunning(name: string): boolean {
  return runningPid(nodeFiles(name).qemuPid) !== undefined;
}

/** What a start of the node needs from its surroundings; for power cuts and tests. */
export async function siteOf(tell: Progress): Promise<Services["site"]> {
  return (await ensureServices(tell)).site;
}
