import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { checkout } from "../paths.ts";

/** The oldest `pulumi` that reads `options.refresh: always` and plugin paths in Pulumi.yaml as we use them. */
export const oldestPulumi = [3, 200, 0] as const;

/** Versions of the official plugins; the same as the npm packages in package.json. */
export const plugins = { command: "1.2.1", docker: "5.2.0" } as const;
export type PluginName = keyof typeof plugins;

/** Go toolchain brought when there is none; the hashes are of the module proxy's zip files. */
export const goToolchain = {
  version: "1.26.8",
  zipSha256: {
    x64: "30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7",
    arm64: "02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99",
  },
} as const;

/** One program built from a pinned Go module of this checkout. */
export interface GoTool {
  name: string;
  moduleDir: string;
  package: string;
  ldflags: string;
}

/** The engine: the CLI of today, and the last Node language host that the public module proxy gives out. */
export function engineTools(root = join(checkout, "offline/engine")): GoTool[] {
  const cli = join(root, "cli");
  const version = pinned(cli, "github.com/pulumi/pulumi/pkg/v3");
  return [
    {
      name: "pulumi-language-nodejs",
      moduleDir: join(root, "nodejs"),
      package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
      ldflags: `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${pinned(join(root, "nodejs"), "github.com/pulumi/pulumi/sdk/v3")}`,
    },
    {
      name: "pulumi",
      moduleDir: cli,
      package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      ldflags: `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${version}`,
    },
  ];
}

function pinned(moduleDir: string, module: string): string {
  const file = join(moduleDir, "go.mod");
  const found = readFileSync(file, "utf8")
    .split("\n")
    .map((line) =>
      line
        .trim()
        .replace(/^require /, "")
        .split(" "),
    )
    .find((words) => words[0] === module);
  if (!found?.[1]) throw new CliError(`${file}: does not require ${module}; restore it with git checkout`);
  return found[1];
}

/** The newest `go` line among the modules: what the toolchain must at least be. */
export function goWanted(tools: readonly GoTool[]): string {
  const lines = tools.map((tool) => {
    const file = join(tool.moduleDir, "go.mod");
    const match = /^go (\d+\.\d+(?:\.\d+)?)$/m.exec(readFileSync(file, "utf8"));
    if (!match?.[1]) throw new CliError(`${file}: has no go line; restore it with git checkout`);
    return match[1];
  });
  return lines.reduce((a, b) => (isAtLeast(a, b) ? a : b));
}

/** Changes when anything changes that the built programs depend on. */
export function buildKey(tools: readonly GoTool[]): string {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  for (const tool of tools) {
    hash.update(`${tool.name}\n${tool.package}\n${tool.ldflags}\n`);
    for (const file of ["go.mod", "go.sum"]) hash.update(readFileSync(join(tool.moduleDir, file)));
  }
  return hash.digest("hex").slice(0, 32);
}

/** Compares dotted versions by number; a missing part counts as 0 and a suffix (`-rc1`) is ignored. */
export function isAtLeast(found: string, wanted: string): boolean {
  const parts = (version: string) =>
    version
      .replace(/^v|^go/, "")
      .split(/[.-]/)
      .map((part) => Number.parseInt(part, 10) || 0);
  const [a, b] = [parts(found), parts(wanted)];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
