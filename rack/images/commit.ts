/** Layers' folders → images, by buildah, without a daemon. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "../errors.ts";
import { type RunOptions, run } from "../run.ts";
import { IMAGE_NAMES, IMAGES, type ImageDefinition } from "./definitions.ts";

/** Little to gain from more: most of it is one 120 MB program, and a node unpacks under software emulation. */
const GZIP_LEVEL = "4";

/** Commits every image and writes them into one OCI layout; returns name → manifest digest. */
export async function commitImages(
  layers: string,
  storage: string,
  layout: string,
  logFile: string,
  tell: Progress,
): Promise<Record<string, string>> {
  mkdirSync(layout, { recursive: true });
  const options: RunOptions = { logFile, env: { BUILDAH_ISOLATION: "chroot" } };
  const store = [
    "--root",
    join(storage, "root"),
    "--runroot",
    join(storage, "run"),
    "--storage-driver",
    "vfs",
  ];
  const buildah = (command: string, ...args: string[]): Promise<string> =>
    run(["buildah", ...store, command, ...args], options);

  /** Image of the first `count` layers of a definition, made once. */
  const made = new Map<string, string>();
  const stack = async (names: readonly string[]): Promise<string> => {
    const top = names.at(-1);
    if (top === undefined) return "scratch";
    const key = names.join("-");
    const found = made.get(key);
    if (found !== undefined) return found;
    const below = await stack(names.slice(0, -1));
    const container = (await buildah("from", "--pull=never", below)).trim();
    await buildah("copy", "--quiet", container, join(layers, top), "/");
    const image = `localhost/layers-${key}`;
    await buildah("commit", "--quiet", "--timestamp", "0", "--rm", container, image);
    made.set(key, image);
    return image;
  };

  const digests: Record<string, string> = {};
  for (const name of IMAGE_NAMES) {
    tell(`container image ${name}: building`);
    const definition: ImageDefinition = IMAGES[name];
    const container = (await buildah("from", "--pull=never", await stack(definition.layers))).trim();
    await buildah("config", ...configFlags(definition), container);
    await buildah("commit", "--quiet", "--timestamp", "0", "--rm", container, `localhost/${name}`);
    const digestFile = join(storage, `${name}.digest`);
    const compression = ["--compression-format", "gzip", "--compression-level", GZIP_LEVEL];
    await buildah(
      "push",
      "--quiet",
      ...compression,
      "--digestfile",
      digestFile,
      `localhost/${name}`,
      `oci:${layout}:${name}`,
    );
    digests[name] = readFileSync(digestFile, "utf8").trim();
  }
  return digests;
}

function configFlags({ entrypoint, command, user, workingDir, port }: ImageDefinition): string[] {
  return [
    "--os=linux",
    "--arch=amd64",
    `--entrypoint=${JSON.stringify(entrypoint)}`,
    ...(command === undefined ? [] : [`--cmd=${JSON.stringify(command)}`]),
    `--user=${user}`,
    `--workingdir=${workingDir}`,
    `--port=${port}`,
    "--env=PATH=/usr/local/bin:/usr/bin:/bin",
  ];
}
