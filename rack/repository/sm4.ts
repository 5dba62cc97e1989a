import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { cached } from "../cache.ts";
import type { Progress } from "../errors.ts";
import { debianSources, sourceLine } from "../mirror.ts";
import { run } from "../run.ts";
import { DEBIAN_KEYRING, needTools } from "../tools.ts";

/** The very script that builds the modules on a node. */
const SCRIPT = resolve(import.meta.dirname, "..", "..", "ansible-free-scripts", "vault", "sm4-module.sh");

/**
 * A folder with `racksmith-sm4-modules-KVER` as a .deb. An emulated node would compile for minutes, so the
 * modules are built here, natively, from the distribution's kernel source.
 */
export async function sm4Package(suite: string, kernelRelease: string, tell: Progress): Promise<string> {
  const script = createHash("sha256").update(readFileSync(SCRIPT)).digest("hex");
  return cached(
    {
      kind: "sm4",
      recipe: { suite, kernelRelease, script, layout: 3 },
      title: `SM4 modules for kernel ${kernelRelease}`,
      build: (into) => build(suite, kernelRelease, into, tell),
    },
    tell,
  );
}

async function build(suite: string, kernelRelease: string, into: string, tell: Progress): Promise<void> {
  await needTools(["mmdebstrap", "dpkg-deb", DEBIAN_KEYRING], tell);
  const modules = join(into, "modules");
  mkdirSync(modules);
  const series = /^\d+\.\d+/.exec(kernelRelease)?.[0] ?? kernelRelease;
  const packages = [
    `linux-headers-${kernelRelease}`,
    `linux-source-${series}`,
    "gcc",
    "make",
    "xz-utils",
    "kmod",
  ];
  tell("  compiling in a Debian of its own");
  await run(
    [
      "mmdebstrap",
      "--mode=root",
      "--variant=minbase",
      "--format=null",
      '--aptopt=Acquire::Languages "none"',
      "--aptopt=APT::Sandbox::User root",
      `--include=${packages.join(",")}`,
      `--customize-hook=copy-in '${SCRIPT}' /root`,
      `--customize-hook=chroot "$1" bash /root/sm4-module.sh build '${kernelRelease}' /root/modules`,
      `--customize-hook=cp "$1"/root/modules/*.ko '${modules}/'`,
      suite,
      "/dev/null",
      ...(await debianSources(suite)).map(sourceLine),
    ],
    { logFile: join(dirname(into), "build.log") },
  );
  await pack(kernelRelease, modules, into);
  await rm(modules, { recursive: true, force: true });
}

async function pack(kernelRelease: string, modules: string, into: string): Promise<void> {
  const name = `racksmith-sm4-modules-${kernelRelease}`;
  const tree = join(into, "tree");
  const target = join(tree, "usr", "lib", "modules", kernelRelease, "updates", "racksmith");
  const copy = 'umask 022; mkdir -p "$2"; install -m 0644 "$1"/*.ko "$2/"';
  await run(["sh", "-ec", copy, "sh", modules, target]);
  mkdirSync(join(tree, "DEBIAN"));
  writeFileSync(join(tree, "DEBIAN", "control"), control(name, kernelRelease));
  await run(["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, into]);
  await rm(tree, { recursive: true, force: true });
}

function control(name: string, kernelRelease: string): string {
  return [
    `Package: ${name}`,
    "Version: 1.0",
    "Architecture: amd64",
    "Maintainer: racksmith virtual rack <root@localhost>",
    "Section: kernel",
    "Priority: optional",
    `Depends: linux-image-${kernelRelease}, kmod`,
    `Description: SM4 block cipher modules for kernel ${kernelRelease}`,
    " Built from the distribution's kernel source, in which they are switched off.",
    // depmod takes half a minute when emulated, and sm4-module.sh runs it after installing this.
    " Run depmod once it is installed; racksmith does.",
    "",
  ].join("\n");
}
