/** Builds one .deb from data. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "../run.ts";

export interface DebFile {
  text: string;
  /** Octal; default 0644. */
  mode?: number;
}

export interface DebSpec {
  name: string;
  version: string;
  /** Default amd64. */
  architecture?: "amd64" | "all";
  description: string;
  depends?: readonly string[];
  conflicts?: readonly string[];
  provides?: readonly string[];
  /** By absolute path. */
  files?: Readonly<Record<string, DebFile>>;
  /** Absolute path → target. */
  links?: Readonly<Record<string, string>>;
  /** Bodies of maintainer scripts, run by `sh -e`. */
  scripts?: Readonly<Partial<Record<"postinst" | "prerm" | "postrm", string>>>;
}

/** `nvidia-smi_580.173.02-1_amd64.deb`; the epoch is not in a file's name. */
export function debFileName(spec: DebSpec): string {
  return `${spec.name}_${spec.version.replace(/^\d+:/, "")}_${spec.architecture ?? "amd64"}.deb`;
}

export function controlText(spec: DebSpec): string {
  const list = (field: string, names: readonly string[] | undefined): string[] =>
    names === undefined || names.length === 0 ? [] : [`${field}: ${names.join(", ")}`];
  return `${[
    `Package: ${spec.name}`,
    `Version: ${spec.version}`,
    `Architecture: ${spec.architecture ?? "amd64"}`,
    "Maintainer: racksmith <racksmith@localhost>",
    "Section: misc",
    "Priority: optional",
    ...list("Depends", spec.depends),
    ...list("Conflicts", spec.conflicts),
    ...list("Provides", spec.provides),
    `Description: SIMULATED: ${spec.description}`,
    " Not NVIDIA's software: a stand-in for racksmith's virtual rack, with no GPU behind it.",
  ].join("\n")}\n`;
}

/** Lays the package out below `workDir` and writes it into `outDir`; returns the file's path. */
export async function buildDeb(spec: DebSpec, workDir: string, outDir: string): Promise<string> {
  const root = join(workDir, `${spec.name}_${spec.version.replace(/[^A-Za-z0-9.+~-]/g, "_")}`);
  const put = (path: string, text: string, mode: number): void => {
    const target = join(root, path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    writeFileSync(target, text);
    chmodSync(target, mode);
  };
  put("DEBIAN/control", controlText(spec), 0o644);
  for (const [name, body] of Object.entries(spec.scripts ?? {}))
    put(`DEBIAN/${name}`, `#!/bin/sh\nset -e\n${body}`, 0o755);
  for (const [path, file] of Object.entries(spec.files ?? {})) put(path, file.text, file.mode ?? 0o644);
  for (const [path, to] of Object.entries(spec.links ?? {})) {
    mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o755 });
    symlinkSync(to, join(root, path));
  }
  const deb = join(outDir, debFileName(spec));
  const env = { SOURCE_DATE_EPOCH: "1577836800" };
  await run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", root, deb], { env });
  return deb;
}
