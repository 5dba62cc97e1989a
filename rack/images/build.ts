/** Builds the rack's images once and puts them into a registry. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { cached } from "../cache.ts";
import { type Progress, RackError } from "../errors.ts";
import { run } from "../run.ts";
import { needTools } from "../tools.ts";
import { commitImages } from "./commit.ts";
import { IMAGE_NAMES, IMAGE_PACKAGES, IMAGE_SUITE, IMAGES, type ImageName } from "./definitions.ts";
import { assembleLayers, extractDebian, installApp } from "./layers.ts";

export interface BuildImagesOptions {
  /** HOST:PORT as the workstation reaches the registry; plain HTTP on loopback. */
  registry: string;
  /** HOST:PORT as nodes reach it, for the references; default the same. */
  registryForNodes?: string;
  tell: Progress;
}

/** Where an image lies in the registry. */
export const repositoryOf = (name: ImageName): string => `racksmith/${name}`;

/**
 * Every image, built (if its recipe changed) and present in the registry; its name → `HOST:PORT/racksmith/NAME@sha256:…`.
 * Safe to call from several processes at once.
 */
export async function buildImages(options: BuildImagesOptions): Promise<Record<ImageName, string>> {
  const dir = await imageLayout(options.tell);
  const digests = readDigests(join(dir, "digests.json"));
  for (const name of IMAGE_NAMES) await ensurePushed(name, digests[name], dir, options);
  const host = options.registryForNodes ?? options.registry;
  const reference = (name: ImageName): string => `${host}/${repositoryOf(name)}@${digests[name]}`;
  return {
    llamacpp: reference("llamacpp"),
    prometheus: reference("prometheus"),
    alertmanager: reference("alertmanager"),
    "node-exporter": reference("node-exporter"),
    "dcgm-exporter": reference("dcgm-exporter"),
  };
}

/** The folder with all images as one OCI layout (`oci/`) and `digests.json`. */
export function imageLayout(tell: Progress): Promise<string> {
  return cached(
    {
      kind: "images",
      title: "container images",
      recipe: { IMAGES, IMAGE_PACKAGES, IMAGE_SUITE, files: sourceHashes() },
      build: (dir) => buildLayout(dir, tell),
    },
    tell,
  );
}

async function buildLayout(dir: string, tell: Progress): Promise<void> {
  await needTools(["mmdebstrap", "buildah", "skopeo"], tell);
  const work = join(dir, "work");
  const [debian, app, layers] = [join(work, "debian"), join(work, "app"), join(work, "layers")];
  mkdirSync(layers, { recursive: true });
  const logFile = join(dir, "build.log");
  tell(`container images: Debian packages (${IMAGE_PACKAGES.length} and what they need)`);
  await extractDebian(debian, logFile);
  tell("container images: the inference engine's npm packages");
  await installApp(app, logFile);
  await assembleLayers(debian, app, layers);
  const digests = await commitImages(layers, join(work, "storage"), join(dir, "oci"), logFile, tell);
  await writeFile(join(dir, "digests.json"), `${JSON.stringify(digests, null, 2)}\n`);
  rmSync(work, { recursive: true, force: true });
}

/** Hash of every file that goes into an image or decides how. */
function sourceHashes(): Record<string, string> {
  const root = fileURLToPath(new URL(".", import.meta.url));
  const folders = [join(root, "llamacpp/app"), join(root, "dcgm-exporter")];
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => !name.startsWith("node_modules"))
      .map((name) => join(folder, name)),
  );
  const own = ["layers.ts", "commit.ts"].map((name) => join(root, name));
  const hash = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
  return Object.fromEntries(
    [...files, ...own]
      .filter((path) => statSync(path).isFile())
      .sort()
      .map((path) => [relative(root, path), hash(path)]),
  );
}

function readDigests(path: string): Record<string, string> {
  const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
  const entries = Object.entries(typeof parsed === "object" && parsed !== null ? parsed : {});
  return Object.fromEntries(entries.map(([name, digest]) => [name, String(digest)]));
}

/** Pushing twice does no harm, so two at once need no lock here. */
async function ensurePushed(
  name: ImageName,
  digest: string | undefined,
  dir: string,
  { registry, tell }: BuildImagesOptions,
): Promise<void> {
  if (digest === undefined)
    throw new RackError(`${join(dir, "digests.json")}: no digest of ${name}; remove ${dir} and try again`);
  const manifest = await fetch(`http://${registry}/v2/${repositoryOf(name)}/manifests/${digest}`, {
    method: "HEAD",
    headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
  });
  if (manifest.ok) return;
  tell(`container image ${name}: pushing to the rack's registry`);
  const source = `oci:${join(dir, "oci")}:${name}`;
  const target = `docker://${registry}/${repositoryOf(name)}:${digest.replace("sha256:", "").slice(0, 12)}`;
  await run([
    "skopeo",
    "copy",
    "--quiet",
    "--insecure-policy",
    "--preserve-digests",
    "--dest-tls-verify=false",
    source,
    target,
  ]);
}
