import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { httpUrl } from "../../config/common.ts";
import { sha256Hex, weightFile, weightsFields } from "../../config/weights.ts";
import { type Change, defineNoun, type Refusal, type Upload } from "../noun.ts";

/** Stays free on the vault, so that its filesystem keeps working. */
const RESERVE_BYTES = 64 * 2 ** 20;

const inputs = z.object({
  ...weightsFields,
  /** Folder on the workstation that `files` lie in. Not for a model from a URL. */
  directory: z.string().min(1).optional(),
  /** From `manifestOf`, sorted by path. */
  files: z.array(weightFile).max(20_000).default([]),
  /** Base URL, instead of `directory` and `files`. */
  url: httpUrl.optional(),
  /** Hash of the list of files. */
  manifestSha256: sha256Hex,
});

const facts = z.object({
  vaultOpen: z.boolean(),
  /** NAME-VERSION of the current version; empty when there is none. */
  current: z.string(),
  versions: z.array(z.string()),
  /** Of the wanted version; empty when it is not on the vault. */
  manifestSha256: z.string(),
  /** Paths of the wanted version that are no longer as they were verified. */
  damaged: z.array(z.string()),
  /** Versions that may go. */
  surplus: z.array(z.string()),
  /** With `verify: full`: contents of the wanted version that were not read whole within a day. */
  unread: z.number(),
  /** Contents that are not on the vault yet, and how much of each has arrived. */
  missing: z.array(z.object({ sha256: z.string(), stagedBytes: z.number() })),
  /** Only told while something is missing. */
  freeBytes: z.number().nullable(),
});

type Inputs = z.infer<typeof inputs>;
type Facts = z.infer<typeof facts>;

/** A model on the vault. See config/weights.ts for the inputs. */
export const weights = defineNoun({
  name: "weights",
  inputs,
  facts,
  compare,
  refuse,
  uploads,
  forObserve: (wanted) => ({
    version: versionId(wanted),
    keep: wanted.keepVersions,
    verify: wanted.verify,
    file_sha256: wanted.files.map(({ sha256 }) => sha256),
    file_size: wanted.files.map(({ sizeBytes }) => sizeBytes),
  }),
  forAct: (wanted) => ({
    version: versionId(wanted),
    manifest_sha256: wanted.manifestSha256,
    url: wanted.url?.replace(/\/+$/, "") ?? "",
    file_path: wanted.files.map(({ path }) => path),
    file_sha256: wanted.files.map(({ sha256 }) => sha256),
    file_size: wanted.files.map(({ sizeBytes }) => sizeBytes),
    keep: wanted.keepVersions,
    verify: wanted.verify,
    on_delete: wanted.onDelete,
  }),
});

/** Name of the version's folder on the vault. */
export function versionId({ name, version }: Pick<Inputs, "name" | "version">): string {
  return `${name}-${version}`;
}

function compare(wanted: Inputs, found: Facts): Change[] {
  const id = versionId(wanted);
  const change = (path: string, was: unknown, is: unknown, why?: string): Change => ({
    path,
    found: was,
    wanted: is,
    disruption: "none",
    ...(why === undefined ? {} : { why }),
  });
  if (!found.vaultOpen) return [change("version", "the vault is closed", id)];
  const changes: Change[] = [];
  if (found.current !== id || found.manifestSha256 !== wanted.manifestSha256) {
    const needed = neededBytes(wanted, found);
    const why = needed > 0 ? `${mib(needed)} MiB to bring` : undefined;
    changes.push(change("version", found.current === "" ? "none" : found.current, id, why));
  }
  if (found.manifestSha256 !== "") {
    for (const path of damagedPaths(wanted, found)) {
      changes.push(change(`files.${path}`, "changed, missing or not in the manifest", "as verified"));
    }
  }
  if (found.unread > 0) {
    changes.push(change("verify", `${found.unread} contents not read whole within a day`, "all read again"));
  }
  if (found.surplus.length > 0) {
    changes.push(
      change("keepVersions", `also ${found.surplus.join(", ")}`, `${wanted.keepVersions} versions`),
    );
  }
  return changes;
}

/** By link in the version, and by content in the store. */
function damagedPaths(wanted: Inputs, found: Facts): string[] {
  const missing = new Set(found.missing.map(({ sha256 }) => sha256));
  const lost = wanted.files.filter(({ sha256 }) => missing.has(sha256)).map(({ path }) => path);
  return [...new Set([...found.damaged, ...lost])].sort();
}

function refuse(wanted: Inputs, found: Facts): Refusal[] {
  const refusals: Refusal[] = [];
  if ((wanted.url === undefined) === (wanted.directory === undefined)) {
    refusals.push({
      path: "source",
      found: wanted.url === undefined ? "neither directory nor url" : "both directory and url",
      wanted: "one of them",
      remedy: "give a directory with its files, or a url",
    });
  }
  if (found.manifestSha256 !== "" && found.manifestSha256 !== wanted.manifestSha256) {
    refusals.push({
      path: "version",
      found: `${versionId(wanted)} with manifest ${found.manifestSha256}`,
      wanted: `manifest ${wanted.manifestSha256}`,
      remedy: "a version never changes its content: give the new content a new version",
    });
  }
  const needed = neededBytes(wanted, found);
  if (found.freeBytes !== null && needed + RESERVE_BYTES > found.freeBytes) {
    refusals.push({
      path: "source",
      found: `${mib(found.freeBytes)} MiB free on the vault`,
      wanted: `${mib(needed)} MiB for the model and ${mib(RESERVE_BYTES)} MiB that stay free`,
      remedy: "lower keepVersions, remove a version, or use larger disks",
    });
  }
  return refusals;
}

/** One stream for each content that is missing, from where it stopped. Empty files need none. */
async function uploads(wanted: Inputs, found: Facts): Promise<Upload[]> {
  const { directory } = wanted;
  if (directory === undefined || !found.vaultOpen) return [];
  const list: Upload[] = [];
  for (const { sha256, stagedBytes } of found.missing) {
    const file = wanted.files.find((candidate) => candidate.sha256 === sha256);
    if (file === undefined || stagedBytes >= file.sizeBytes) continue;
    const localPath = join(directory, file.path);
    const stats = await lstat(localPath);
    if (!stats.isFile() || stats.size !== file.sizeBytes) {
      throw new Error(
        `weights: ${localPath} has ${stats.size} bytes, its manifest says ${file.sizeBytes}; it has changed since. Make the manifest anew, under a new version`,
      );
    }
    list.push({ localPath, key: `weights-${sha256}`, sizeBytes: file.sizeBytes, offsetBytes: stagedBytes });
  }
  return list;
}

function neededBytes(wanted: Inputs, found: Facts): number {
  const sizes = new Map(wanted.files.map(({ sha256, sizeBytes }) => [sha256, sizeBytes]));
  return found.missing.reduce(
    (sum, { sha256, stagedBytes }) => sum + Math.max(0, (sizes.get(sha256) ?? 0) - stagedBytes),
    0,
  );
}

function mib(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
