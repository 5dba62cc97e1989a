import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "./errors.ts";
import { buildImages } from "./images/build.ts";
import { writeTinyModel } from "./images/llamacpp/tinyModel.ts";
import { rackStateDir } from "./paths.ts";
import type { Registry } from "./services/registry.ts";
import type { RackImages } from "./stack.ts";
import { needTools } from "./tools.ts";

/** Builds the rack's images when the cache lacks them and puts them into its registry. */
export async function rackImages(registry: Registry, tell: Progress): Promise<RackImages> {
  await needTools(["skopeo", "buildah"], tell);
  const images = await buildImages({
    registry: registry.pushHost,
    registryForNodes: registry.pullHost,
    tell,
  });
  return {
    llamacpp: images.llamacpp,
    monitoring: {
      prometheus: images.prometheus,
      alertmanager: images.alertmanager,
      nodeExporter: images["node-exporter"],
      gpuExporter: images["dcgm-exporter"],
    },
  };
}

/** A folder with the rack's model as `model.gguf`: half a megabyte, made from a seed, really generating. */
export async function tinyModelDirectory(version: "v1" | "v2"): Promise<string> {
  const directory = join(rackStateDir("weights"), `racksmith-tiny-${version}`);
  mkdirSync(directory, { recursive: true });
  await writeTinyModel(join(directory, "model.gguf"), version);
  return directory;
}
