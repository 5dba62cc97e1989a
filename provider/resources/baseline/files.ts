import { createHash } from "node:crypto";
import type { BaselineConfig } from "../../../config/baseline.ts";
import { firewallRuleset } from "./firewall.ts";

/** A file as it ought to be; `text` undefined means that it ought not to be there. */
export interface WantedFile {
  /** Which setting it belongs to. */
  setting: string;
  path: string;
  text: string | undefined;
}

const HEADER = "# Written by racksmith. Changes are undone at the next deployment.\n";

/** What keeps the GPU stack at its version: regular expressions over package names, as unattended-upgrades takes them. */
export const GPU_PACKAGES: readonly string[] = [
  "^(lib)?nvidia-",
  "^linux-(modules|objects|signatures)-nvidia-",
  "^xserver-xorg-video-nvidia",
  "^firmware-nvidia-",
  "^libcuda",
  "^cuda-",
  "^libcudnn",
  "^libnccl",
  "^datacenter-gpu-manager",
  "^libxnvctrl",
];

export const FIREWALL_PATH = "/etc/racksmith/firewall.nft";

/** Every file of the baseline, in the order in which they are written. Pure. */
export function wantedFiles(settings: BaselineConfig & { sshPort: number }): WantedFile[] {
  const { journal } = settings;
  return [
    file("sysctl", "/etc/sysctl.d/90-racksmith.conf", sysctlText(settings.sysctl)),
    file("memlock", "/etc/security/limits.d/90-racksmith.conf", settings.memlock === "unlimited" && LIMITS),
    file(
      "memlock",
      "/etc/systemd/system.conf.d/90-racksmith.conf",
      settings.memlock === "unlimited" && MANAGER,
    ),
    file(
      "transparentHugePages",
      "/etc/tmpfiles.d/racksmith-thp.conf",
      thpText(settings.transparentHugePages),
    ),
    file(
      "swap",
      "/etc/default/zramswap",
      settings.swap === "zram" && "ALGO=zstd\nPERCENT=25\nPRIORITY=100\n",
    ),
    file("blacklistNouveau", "/etc/modprobe.d/racksmith-nouveau.conf", settings.blacklistNouveau && NOUVEAU),
    file(
      "protectGpuPackages",
      "/etc/apt/apt.conf.d/52racksmith",
      settings.protectGpuPackages && unattended(),
    ),
    file("timeSync", "/etc/systemd/timesyncd.conf.d/90-racksmith.conf", timesync(settings.timeSync)),
    file(
      "journal",
      "/etc/systemd/journald.conf.d/90-racksmith.conf",
      `[Journal]\nSystemMaxUse=${journal.maxMiB}M\nMaxRetentionSec=${journal.maxDays}day\n`,
    ),
    file("firewall", FIREWALL_PATH, settings.firewall.enabled && firewallRuleset(settings)),
  ];
}

/** sha256, hex; "" for a file that is not to be there. */
export function digestOf(text: string | undefined): string {
  return text === undefined ? "" : createHash("sha256").update(text).digest("hex");
}

const LIMITS =
  "* soft memlock unlimited\n* hard memlock unlimited\nroot soft memlock unlimited\nroot hard memlock unlimited\n";
const MANAGER = "[Manager]\nDefaultLimitMEMLOCK=infinity\n";
const NOUVEAU = "blacklist nouveau\noptions nouveau modeset=0\n";

function file(setting: string, path: string, text: string | false | undefined): WantedFile {
  return { setting, path, text: text === false || text === undefined ? undefined : HEADER + text };
}

function sysctlText(sysctl: BaselineConfig["sysctl"]): string | undefined {
  const lines = Object.entries(sysctl).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return lines.length === 0 ? undefined : lines.map(([key, value]) => `${key} = ${value}\n`).join("");
}

function thpText(mode: BaselineConfig["transparentHugePages"]): string | undefined {
  return mode === "system" ? undefined : `w /sys/kernel/mm/transparent_hugepage/enabled - - - - ${mode}\n`;
}

function unattended(): string {
  return `Unattended-Upgrade::Package-Blacklist {\n${GPU_PACKAGES.map((name) => `  "${name}";\n`).join("")}};\n`;
}

function timesync({ enabled, servers }: BaselineConfig["timeSync"]): string | undefined {
  return enabled && servers.length > 0 ? `[Time]\nNTP=${servers.join(" ")}\n` : undefined;
}
