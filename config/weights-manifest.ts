import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { lstat, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { type Problem, show } from "./problem.ts";
import { pathProblem, type WeightFile } from "./weights.ts";

/** A model on the workstation: its files by path, and the hash of their list. */
export interface Manifest {
  files: WeightFile[];
  manifestSha256: string;
}

const NAME = "SHA256SUMS";

/**
 * What a model's folder holds. Its own SHA256SUMS decides where there is one; otherwise every file is hashed, and
 * the hashes are remembered by size and time. Names that start with a dot are left out. All problems come at once.
 */
export async function manifestOf(
  directory: string,
  cacheFile = defaultCacheFile(directory),
): Promise<Manifest | { problems: Problem[] }> {
  const problems: Problem[] = [];
  const add = (path: string, problem: string) =>
    problems.push({ path: `weights/source/directory/${path}`, problem });
  const top = await lstatOrNothing(directory);
  if (!top?.isDirectory()) {
    return {
      problems: [{ path: "weights/source/directory", problem: `${show(directory)} is not a folder` }],
    };
  }
  const sums = await readOrNothing(join(directory, NAME));
  const files =
    sums === undefined
      ? await hashAll(directory, cacheFile, add)
      : await listed(directory, parseSums(sums, add), add);
  if (problems.length === 0 && files.length === 0) add("", "holds no files");
  if (problems.length === 0) for (const problem of clashes(files)) add(problem.path, problem.problem);
  return problems.length > 0 ? { problems } : manifest(files);
}

/** Sorted by path, so that the same files always give the same hash. */
export function manifest(unsorted: readonly WeightFile[]): Manifest {
  const files = [...unsorted].sort((a, b) => (a.path < b.path ? -1 : 1));
  const text = files.map(({ sha256, path }) => `${sha256}  ${path}\n`).join("");
  return { files, manifestSha256: createHash("sha256").update(text).digest("hex") };
}

type Report = (path: string, problem: string) => void;

/** `sha256sum`'s output: hash, two signs, path. */
export function parseSums(text: string, add: Report): { path: string; sha256: string }[] {
  const entries: { path: string; sha256: string }[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const match = /^([0-9a-f]{64}) [ *](?:\.\/)?(.+)$/.exec(line);
    const [, sha256, path] = match ?? [];
    const wrong = path === undefined ? "is not HASH, two spaces, PATH" : pathProblem(path);
    if (sha256 === undefined || path === undefined || wrong !== undefined) {
      add(`${NAME}:${at + 1}`, `${show(line)} ${wrong}`);
    } else entries.push({ sha256, path });
  }
  return entries;
}

/** The entries of a SHA256SUMS with the sizes of the files beside it. */
async function listed(
  directory: string,
  entries: { path: string; sha256: string }[],
  add: Report,
): Promise<WeightFile[]> {
  const files: WeightFile[] = [];
  for (const entry of entries) {
    const stats = await plainFile(directory, entry.path, add);
    if (stats !== undefined) files.push({ ...entry, sizeBytes: stats.size });
  }
  return files;
}

/** A regular file reached through real folders only: a link could lead anywhere on the workstation. */
async function plainFile(directory: string, path: string, add: Report): Promise<Stats | undefined> {
  const parts = path.split("/");
  for (let depth = 1; depth <= parts.length; depth++) {
    const stats = await lstatOrNothing(join(directory, ...parts.slice(0, depth)));
    const last = depth === parts.length;
    if (stats === undefined) add(path, "is not there");
    else if (stats.isSymbolicLink()) add(path, "is a symbolic link; `cp -rL` makes a copy without links");
    else if (last && !stats.isFile()) add(path, "is not a regular file");
    else if (last) return stats;
    else continue;
    return undefined;
  }
  return undefined;
}

const remembered = z.record(
  z.string(),
  z.object({ sizeBytes: z.number(), mtimeMs: z.number(), ino: z.number(), sha256: z.string() }),
);
type Remembered = z.output<typeof remembered>;

async function hashAll(directory: string, cacheFile: string, add: Report): Promise<WeightFile[]> {
  const known = await readCache(cacheFile);
  const next: Remembered = {};
  const files: WeightFile[] = [];
  for (const path of await walk(directory, "", add)) {
    const wrong = pathProblem(path);
    if (wrong !== undefined) {
      add(show(path), wrong);
      continue;
    }
    const stats = await plainFile(directory, path, add);
    if (stats === undefined) continue;
    const { size: sizeBytes, mtimeMs, ino } = stats;
    const had = Object.hasOwn(known, path) ? known[path] : undefined;
    const same = had?.sizeBytes === sizeBytes && had.mtimeMs === mtimeMs && had.ino === ino;
    const sha256 = same ? had.sha256 : await hashFile(join(directory, path));
    next[path] = { sizeBytes, mtimeMs, ino, sha256 };
    files.push({ path, sha256, sizeBytes });
  }
  await writeCache(cacheFile, next);
  return files;
}

async function walk(directory: string, under: string, add: Report): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await readdir(join(directory, under), { withFileTypes: true })) {
    if (entry.name.startsWith(".")) continue;
    const path = under === "" ? entry.name : `${under}/${entry.name}`;
    if (entry.isDirectory()) paths.push(...(await walk(directory, path, add)));
    else paths.push(path);
  }
  return paths;
}

/** `a` beside `a/b`, or a path named twice. */
function clashes(files: readonly WeightFile[]): Problem[] {
  const paths = new Set<string>();
  const problems: Problem[] = [];
  for (const { path } of files) {
    if (paths.has(path)) problems.push({ path, problem: "is named twice" });
    paths.add(path);
  }
  for (const { path } of files) {
    const parts = path.split("/");
    const parents = parts.slice(1).map((_, depth) => parts.slice(0, depth + 1).join("/"));
    const clash = parents.find((parent) => paths.has(parent));
    if (clash !== undefined) problems.push({ path, problem: `lies below the file ${clash}` });
  }
  return problems;
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 4 << 20 }), hash);
  return hash.digest("hex");
}

function defaultCacheFile(directory: string): string {
  const base =
    process.env.RACKSMITH_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "racksmith");
  return join(base, "weights", `${createHash("sha256").update(directory).digest("hex")}.json`);
}

/** A cache that cannot be read is no cache: everything is hashed again. */
async function readCache(path: string): Promise<Remembered> {
  try {
    return remembered.parse(JSON.parse((await readOrNothing(path)) ?? "{}"));
  } catch {
    return {};
  }
}

async function writeCache(path: string, hashes: Remembered): Promise<void> {
  const fresh = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(fresh, JSON.stringify(hashes));
  await rename(fresh, path);
}

async function lstatOrNothing(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
