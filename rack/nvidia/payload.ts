/** The files of this folder as package contents. */
import { readFileSync } from "node:fs";
import type { DebFile } from "./deb.ts";

const read = (path: string): string => readFileSync(new URL(`./files/${path}`, import.meta.url), "utf8");

/** A program of the simulation, at /usr/bin unless told otherwise. */
export function program(name: string, dir = "/usr/bin"): Record<string, DebFile> {
  return { [`${dir}/${name}`]: { text: read(`bin/${name}`), mode: 0o755 } };
}

export function library(name: string): Record<string, DebFile> {
  return { [`/usr/lib/racksmith-sim/${name}`]: { text: read(`lib/${name}`) } };
}

export function unit(name: string): Record<string, DebFile> {
  return { [`/lib/systemd/system/${name}`]: { text: read(`units/${name}`) } };
}

/** What the tools read as "the installed version of PART". */
export function versionFile(part: string, version: string): Record<string, DebFile> {
  return { [`/usr/share/racksmith-sim/${part}.version`]: { text: `${version}\n` } };
}

/**
 * Maintainer scripts of a package with a service, as debhelper's would act: enabled, started when systemd runs, restarted
 * on an upgrade, stopped before removal. A start that fails does not fail the installation: no driver may be
 * loaded yet.
 */
export function serviceScripts(
  name: string,
  start = true,
): { postinst: string; prerm: string; postrm: string } {
  const begin = start ? `systemctl restart ${name} || true` : ":";
  return {
    postinst: `if command -v systemctl >/dev/null; then
  systemctl enable ${name} >/dev/null 2>&1 || true
  if [ -d /run/systemd/system ]; then systemctl daemon-reload; ${begin}; fi
fi
`,
    prerm: `if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl disable --now ${name} || true; fi\n`,
    postrm: `if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi\n`,
  };
}
