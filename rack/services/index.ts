import type { Progress } from "../errors.ts";
import { baseImage } from "../image/build.ts";
import { TRIXIE, WORKSTATION_ADDRESS } from "../image/recipe.ts";
import type { SeedFile } from "../node/seed.ts";
import { publishRepository } from "../repository/publish.ts";
import { repositoryKey } from "../repository/signing.ts";
import { packageFolders } from "../repository/sources.ts";
import { servicePorts } from "./ports.ts";
import { type Registry, registrySeed, serveRegistry, stopRegistry } from "./registry.ts";
import { aptSeed, serveRepository, stopRepository } from "./repository.ts";

/** What the workstation gives its nodes. */
export interface Services {
  /** As a node names it, `http://10.0.2.2:PORT/`. */
  repositoryUrl: string;
  registry: Registry;
  /** Files that every node is seeded with, so that it finds and trusts both. */
  site: readonly SeedFile[];
}

/** Builds what is missing and makes sure that the package repository and the image registry are served. */
export async function ensureServices(tell: Progress): Promise<Services> {
  const ports = await servicePorts();
  const registry = await serveRegistry(ports, tell);
  const image = await baseImage(TRIXIE, tell);
  const repository = await publishRepository(await packageFolders(image, tell), tell);
  await serveRepository(repository, ports.repository, tell);
  return {
    repositoryUrl: `http://${WORKSTATION_ADDRESS}:${ports.repository}/`,
    registry,
    site: [...aptSeed(ports.repository, await repositoryKey(tell)), ...registrySeed(registry)],
  };
}

/** Ends both services. Nodes that run keep running, without packages and images to be had. */
export async function stopServices(): Promise<void> {
  await stopRepository();
  await stopRegistry();
}
