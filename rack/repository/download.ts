import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cached } from "../cache.ts";
import type { Progress } from "../errors.ts";
import type { BaseImage } from "../image/build.ts";
import { debianSources, sourceLine } from "../mirror.ts";
import { run } from "../run.ts";
import { DEBIAN_KEYRING, needTools } from "../tools.ts";

/** A folder of the .deb files that a node with `image` needs to install any of `sets`. */
export async function downloadedPackages(
  image: BaseImage,
  suite: string,
  sets: readonly (readonly string[])[],
  tell: Progress,
): Promise<string> {
  const status = createHash("sha256").update(readFileSync(image.dpkgStatus)).digest("hex");
  return cached(
    {
      kind: "packages",
      recipe: { suite, sets, status },
      title: "Debian packages that a bare node lacks",
      build: (into) => download(image.dpkgStatus, suite, sets, into, tell),
    },
    tell,
  );
}

/**
 * This machine's apt resolves for the node: with the node's dpkg status as what is installed, and everything
 * else of its own in a folder. So the dependencies are exact, and nothing here is installed.
 */
async function download(
  dpkgStatus: string,
  suite: string,
  sets: readonly (readonly string[])[],
  into: string,
  tell: Progress,
): Promise<void> {
  await needTools([DEBIAN_KEYRING], tell);
  const apt = join(into, "apt");
  for (const folder of ["lists/partial", "archives/partial", "etc"])
    mkdirSync(join(apt, folder), { recursive: true });
  writeFileSync(
    join(apt, "etc", "sources.list"),
    `${(await debianSources(suite)).map(sourceLine).join("\n")}\n`,
  );
  writeFileSync(join(apt, "etc", "apt.conf"), aptConfiguration(apt, dpkgStatus));
  const env = { APT_CONFIG: join(apt, "etc", "apt.conf") };
  const logFile = join(dirname(into), "build.log");
  await run(["apt-get", "-q", "update"], { env, logFile });
  for (const set of sets) {
    tell(`  downloading ${set.slice(0, 3).join(", ")}${set.length > 3 ? ` and ${set.length - 3} more` : ""}`);
    await run(["apt-get", "-qy", "--no-install-recommends", "--download-only", "install", ...set], {
      env,
      logFile,
    });
  }
  for (const name of readdirSync(join(apt, "archives")).filter((file) => file.endsWith(".deb")))
    renameSync(join(apt, "archives", name), join(into, name));
  await rm(apt, { recursive: true, force: true });
}

/** The machine's own apt.conf.d still counts: a site's proxy is there. */
function aptConfiguration(apt: string, dpkgStatus: string): string {
  const settings = {
    "Dir::Etc::parts": "/etc/apt/apt.conf.d",
    "Dir::Etc::sourcelist": `${apt}/etc/sources.list`,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "Dir::State": apt,
    "Dir::State::lists": `${apt}/lists`,
    "Dir::State::status": dpkgStatus,
    "Dir::State::extended_states": `${apt}/extended_states`,
    "Dir::Cache": apt,
    "Dir::Cache::archives": `${apt}/archives`,
    "APT::Architecture": "amd64",
    "APT::Sandbox::User": process.getuid?.() === 0 ? "root" : "",
    "Acquire::Languages": "none",
    "Acquire::Retries": "3",
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";\n`);
  return `#clear APT::Update::Post-Invoke-Success;\n#clear DPkg::Post-Invoke;\n#clear APT::Architectures;\nAPT::Architectures { "amd64"; };\n${lines.join("")}`;
}
