import { z } from "zod";
import { baselineFields, baselineWiring } from "../../config/baseline.ts";
import { type Change, type Disruption, defineNoun } from "../noun.ts";
import { digestOf, FIREWALL_PATH, GPU_PACKAGES, wantedFiles } from "./baseline/files.ts";

export const baselineInputs = z.object({ ...baselineFields, ...baselineWiring });
type Inputs = z.output<typeof baselineInputs>;

/** What baseline/observe.sh prints: files, and what is in force. */
export const baselineFacts = z.object({
  files: z.array(z.object({ path: z.string(), sha256: z.string(), mode: z.string() })),
  /** Files that an act wrote or took away and did not bring into force: it did not come to its end. */
  filesDue: z.array(z.string()),
  sysctl: z.record(z.string(), z.string()),
  /** systemd's default for services; `infinity` or bytes. */
  memlock: z.string(),
  transparentHugePages: z.string(),
  swaps: z.array(z.string()),
  /** Lines of fstab that would bring swap back. */
  fstabSwaps: z.array(z.string()),
  nouveauLoaded: z.boolean(),
  /** The running time service; "" for none. */
  timeService: z.string(),
  /** apt's merged view. */
  unattendedBlacklist: z.array(z.string()),
  journalMaxUse: z.string(),
  /** `loaded`, `changed` (its rules or its files are not those that were loaded), `absent`. */
  firewall: z.enum(["loaded", "changed", "absent"]),
});
type Facts = z.output<typeof baselineFacts>;

const FILE_DISRUPTION: Readonly<Record<string, Disruption>> = {
  journal: "reload",
  timeSync: "reload",
  firewall: "reload",
};

/** The system below everything else: time, kernel settings, memory, swap, upgrades, journal, firewall. */
export const baseline = defineNoun({
  name: "baseline",
  inputs: baselineInputs,
  facts: baselineFacts,
  compare: (inputs, facts) => [...compareFiles(inputs, facts), ...compareEffective(inputs, facts)],
  forObserve: (inputs) => ({
    file_path: wantedFiles(inputs).map(({ path }) => path),
    sysctl_key: Object.keys(inputs.sysctl),
  }),
  forAct: (inputs) => {
    const files = wantedFiles(inputs);
    return {
      file_path: files.map(({ path }) => path),
      file_present: files.map(({ text }) => text !== undefined),
      file_text: files.map(({ text }) => text ?? ""),
      sysctl_key: Object.keys(inputs.sysctl),
      sysctl_value: Object.values(inputs.sysctl),
      time_sync: inputs.timeSync.enabled,
      memlock: inputs.memlock,
      thp: inputs.transparentHugePages,
      swap: inputs.swap,
      blacklist_nouveau: inputs.blacklistNouveau,
      firewall: inputs.firewall.enabled,
      firewall_path: FIREWALL_PATH,
      ssh_port: inputs.sshPort,
    };
  },
});

function compareFiles(inputs: Inputs, facts: Facts): Change[] {
  return wantedFiles(inputs).flatMap(({ setting, path, text }): Change[] => {
    const found = facts.files.find((file) => file.path === path);
    const wanted = digestOf(text);
    const disruption = FILE_DISRUPTION[setting] ?? "none";
    if ((found?.sha256 ?? "") !== wanted) {
      return [
        {
          path: `${setting}.${path}`,
          found: found?.sha256 ? "another text" : "absent",
          wanted: text ?? "absent",
          disruption,
        },
      ];
    }
    if (text !== undefined && found?.mode !== "644") {
      return [{ path: `${setting}.${path}.mode`, found: found?.mode, wanted: "644", disruption: "none" }];
    }
    if (facts.filesDue.includes(path)) {
      return [
        { path: `${setting}.${path}`, found: "changed, not in force yet", wanted: "in force", disruption },
      ];
    }
    return [];
  });
}

function compareEffective(inputs: Inputs, facts: Facts): Change[] {
  const changes: Change[] = [];
  const differs = (
    path: string,
    found: unknown,
    wanted: unknown,
    disruption: Disruption = "none",
    why?: string,
  ) => changes.push({ path, found, wanted, disruption, ...(why && { why }) });
  for (const [key, value] of Object.entries(inputs.sysctl)) {
    const found = facts.sysctl[key];
    if (found === undefined || words(found) !== words(String(value)))
      differs(`sysctl.${key}`, found, String(value));
  }
  if (inputs.memlock === "unlimited" && facts.memlock !== "infinity")
    differs("memlock", facts.memlock, "infinity");
  if (
    inputs.transparentHugePages !== "system" &&
    facts.transparentHugePages !== inputs.transparentHugePages
  ) {
    differs("transparentHugePages", facts.transparentHugePages, inputs.transparentHugePages);
  }
  changes.push(...compareSwap(inputs, facts));
  if (inputs.blacklistNouveau && facts.nouveauLoaded) {
    differs("blacklistNouveau", "nouveau is loaded", "not loaded", "reboot", "where it cannot be unloaded");
  }
  if (inputs.timeSync.enabled && facts.timeService === "")
    differs("timeSync", "no time service runs", "one runs");
  const unprotected = GPU_PACKAGES.filter((name) => !facts.unattendedBlacklist.includes(name));
  if (inputs.protectGpuPackages && unprotected.length > 0) {
    differs("protectGpuPackages", `unattended-upgrades may touch ${unprotected.join(" ")}`, "it may not");
  }
  if (facts.journalMaxUse !== `${inputs.journal.maxMiB}M`) {
    differs("journal.maxMiB", facts.journalMaxUse, `${inputs.journal.maxMiB}M`, "reload");
  }
  const firewall = inputs.firewall.enabled ? "loaded" : "absent";
  if (facts.firewall !== firewall) differs("firewall.enabled", facts.firewall, firewall, "reload");
  return changes;
}

function compareSwap({ swap }: Inputs, facts: Facts): Change[] {
  if (swap === "system") return [];
  const zram = facts.swaps.filter((device) => device.startsWith("/dev/zram"));
  const disks = facts.swaps.filter((device) => !device.startsWith("/dev/zram"));
  const unwanted = [...disks, ...(swap === "off" ? zram : []), ...facts.fstabSwaps];
  const changes: Change[] = [];
  if (unwanted.length > 0) {
    changes.push({
      path: "swap",
      found: unwanted.join(", "),
      wanted: swap === "off" ? "no swap" : "zram only",
      disruption: "none",
    });
  }
  if (swap === "zram" && zram.length === 0) {
    changes.push({ path: "swap", found: "no zram", wanted: "zram", disruption: "none" });
  }
  return changes;
}

/** The kernel separates words with tabs, people with blanks. */
function words(value: string): string {
  return value.trim().split(/\s+/).join(" ");
}
