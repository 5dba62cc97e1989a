import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NodeSpec } from "../nodes/types.ts";
import { gpuDescription } from "../nvidia/description.ts";
import { privateDir } from "../paths.ts";

/** A file that a node has from its first moment, whichever image it boots. */
export interface SeedFile {
  path: string;
  mode: string;
  text: string;
  owner?: string;
  /** `always` is written again at each boot (it follows the workstation); `once` only where nothing is. */
  when: "always" | "once";
}

/** What makes a node of this rack out of the shared image: its keys and where its packages come from. */
export interface Seed {
  hostPrivateKey: string;
  clientPublicKey: string;
  /** apt's sources and the key they are signed by; absent before there is a repository. */
  site: readonly SeedFile[];
}

/**
 * systemd takes credentials from QEMU's fw_cfg, and systemd-tmpfiles one that holds more of its lines: so
 * the image needs no code of the rack's.
 */
export function tmpfilesLines(files: readonly SeedFile[]): string {
  return files
    .map(({ path, mode, text, owner = "root", when }) => {
      const type = when === "always" ? "f+~" : "f~";
      return `${type} ${path} ${mode} ${owner} ${owner} - ${Buffer.from(text).toString("base64")}\n`;
    })
    .join("");
}

export function seedFiles(spec: NodeSpec, seed: Seed): SeedFile[] {
  const host = spec.name.replaceAll(".", "-");
  return [
    { path: "/etc/ssh/ssh_host_ed25519_key", mode: "0600", text: seed.hostPrivateKey, when: "always" },
    {
      path: "/etc/ssh/authorized_keys.rack",
      mode: "0644",
      text: `${seed.clientPublicKey}\n`,
      when: "always",
    },
    {
      path: "/etc/hosts",
      mode: "0644",
      text: `127.0.0.1 localhost\n127.0.1.1 ${host}\n::1 localhost ip6-localhost\n`,
      when: "once",
    },
    ...seed.site,
  ];
}

/** Writes what QEMU hands over, and returns it as fw_cfg names and files. */
export function writeSeed(spec: NodeSpec, seed: Seed, dir: string): Record<string, string> {
  const folder = privateDir(join(dir, "seed"));
  const tmpfiles = join(folder, "tmpfiles.conf");
  const gpus = join(folder, "gpus.json");
  writeFileSync(tmpfiles, tmpfilesLines(seedFiles(spec, seed)), { mode: 0o600 });
  writeFileSync(gpus, gpuDescription(spec.gpus));
  return {
    "opt/io.systemd.credentials/tmpfiles.extra": tmpfiles,
    "opt/racksmith/gpus": gpus,
  };
}
