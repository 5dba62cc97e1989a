import { createHash } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { fromFd } from "yauzl";
import { CliError, messageOf } from "../errors.ts";
import { withLock } from "../filelock.ts";
import { makeDir } from "../paths.ts";
import { capture, hint } from "../process.ts";
import { step } from "../progress.ts";
import { goToolchain } from "./versions.ts";

const zipSha256 = goToolchain.zipSha256[process.arch as keyof typeof goToolchain.zipSha256];

/** Where the pinned Go toolchain is once it was brought; undefined on a machine that none is pinned for. */
export function goRoot(cache: string): string | undefined {
  if (!zipSha256 || process.platform !== "linux") return undefined;
  return join(cache, "go", `${goToolchain.version}-${zipSha256.slice(0, 12)}`);
}

/** Brings the pinned Go toolchain from the module proxy into the cache; a second call finds it there. */
export async function bringGo(cache: string): Promise<{ root: string; version: string }> {
  const { version } = goToolchain;
  const root = goRoot(cache);
  if (!root) {
    throw new CliError(
      `No pinned Go toolchain for ${process.platform}/${process.arch}: install Go >= ${version}.`,
    );
  }
  const done = { root, version };
  if (existsSync(root)) return done;
  return withLock(join(cache, "locks", "go"), "bringing Go", async () => {
    if (existsSync(root)) return done;
    const scratch = await mkdtemp(join(makeDir(join(cache, "go")), ".new."));
    try {
      await step(`bringing Go ${version} from the Go module proxy`, async (detail) => {
        const zip = join(scratch, "go.zip");
        const arch = process.arch === "x64" ? "amd64" : process.arch;
        await fetchFromProxy(
          `golang.org/toolchain/@v/v0.0.1-go${version}.linux-${arch}.zip`,
          zip,
          zipSha256,
          detail,
        );
        detail("unpacking");
        await unpackToolchain(zip, join(scratch, "go"));
      });
      await rename(join(scratch, "go"), root);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return done;
  });
}

/** Proxies as in GOPROXY: tried in order; `direct` and `off` cannot serve a zip. */
export function proxies(goproxy: string): string[] {
  return goproxy
    .split(/[,|]/)
    .map((entry) => entry.trim().replace(/\/+$/, ""))
    .filter((entry) => /^(https?|file):\/\//.test(entry));
}

async function goProxySetting(): Promise<string> {
  if (process.env.GOPROXY) return process.env.GOPROXY;
  const asked = await capture("go", ["env", "GOPROXY"], { cwd: "/" }).catch(() => undefined);
  return asked?.stdout.trim() || "https://proxy.golang.org";
}

async function fetchFromProxy(path: string, to: string, sha256: string, detail: (text: string) => void) {
  const goproxy = await goProxySetting();
  const problems: string[] = [];
  for (const proxy of proxies(goproxy)) {
    try {
      const found = await download(`${proxy}/${path}`, to, detail);
      if (found === sha256) return;
      problems.push(`${shown(proxy)}: found sha256 ${found}, wanted ${sha256}`);
    } catch (error) {
      problems.push(`${shown(proxy)}: ${describe(error)}`);
    }
  }
  const tried = problems.length
    ? problems.join("\n  ")
    : `GOPROXY=${goproxy}: names no proxy to download from`;
  throw new CliError(
    `No Go on this machine, and ${path} could not be brought:\n  ${tried}\n` +
      `Install Go >= ${goToolchain.version}, or set GOPROXY to a mirror that this machine reaches.${hint(tried)}`,
  );
}

async function download(url: string, to: string, detail: (text: string) => void): Promise<string> {
  const hash = createHash("sha256");
  let bytes = 0;
  const count = async function* (source: AsyncIterable<Uint8Array>) {
    for await (const chunk of source) {
      hash.update(chunk);
      bytes += chunk.length;
      detail(`${(bytes / 1e6).toFixed(0)} MB`);
      yield chunk;
    }
  };
  if (url.startsWith("file:")) {
    const file = await open(fileURLToPath(url));
    await pipeline(file.createReadStream(), count, createWriteStream(to));
  } else {
    const { href, headers } = withoutCredentials(url);
    const response = await fetch(href, { headers, signal: AbortSignal.timeout(15 * 60_000) });
    if (!response.ok || !response.body) throw new CliError(`HTTP ${response.status}`);
    await pipeline(
      Readable.from(response.body as unknown as AsyncIterable<Uint8Array>),
      count,
      createWriteStream(to),
    );
  }
  return hash.digest("hex");
}

// fetch refuses user:password in an address; Go's proxies may carry one.
function withoutCredentials(url: string): { href: string; headers: Record<string, string> } {
  const parsed = new URL(url);
  if (!parsed.username) return { href: url, headers: {} };
  const pair = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
  parsed.username = parsed.password = "";
  return { href: parsed.href, headers: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` } };
}

function shown(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//");
}

function describe(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${messageOf(error)}${cause}`;
}

// Entries are `golang.org/toolchain@v0.0.1-goX.linux-amd64/…`. Module zips carry no modes, so what must run is told.
async function unpackToolchain(zip: string, into: string): Promise<void> {
  const file = await open(zip);
  const archive = await new Promise<import("yauzl").ZipFile>((done, failed) =>
    fromFd(file.fd, { lazyEntries: true, autoClose: false }, (error, opened) =>
      error ? failed(error) : done(opened),
    ),
  );
  await new Promise<void>((done, failed) => {
    archive.on("error", failed);
    archive.on("end", () => done());
    archive.on("entry", (entry: import("yauzl").Entry) => {
      const target = resolve(into, entry.fileName.split("/").slice(2).join("/"));
      if (!target.startsWith(into + sep))
        return failed(new CliError(`${zip}: ${entry.fileName} leaves the archive`));
      archive.openReadStream(entry, (error, stream) => {
        if (error) return failed(error);
        mkdir(dirname(target), { recursive: true })
          .then(() => pipeline(stream, createWriteStream(target)))
          .then(() => archive.readEntry(), failed);
      });
    });
    archive.readEntry();
  });
  await file.close();
  for (const folder of ["bin", "pkg/tool"]) await makeRunnable(join(into, folder));
}

async function makeRunnable(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await chmod(join(entry.parentPath, entry.name), 0o755);
  }
}
