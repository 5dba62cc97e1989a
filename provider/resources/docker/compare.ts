import type { Change } from "../../noun.ts";
import {
  daemonText,
  differingKeys,
  isUnreadable,
  mergeDaemon,
  parseDaemon,
  wantedSettings,
} from "./daemon.ts";
import type { Facts, Inputs } from "./facts.ts";
import { dockerPackages, ownVersion } from "./packages.ts";

export function engineMajor(wanted: Inputs, found: Facts): number {
  return Number.parseInt(engineVersion(wanted, found).replace(/^\d+:/, ""), 10) || 0;
}

/** The engine's that will run; empty when nothing tells it. */
export function engineVersion(wanted: Inputs, found: Facts): string {
  const known = found.engineVersion || found.candidate || ownVersion(found.system, wanted.source);
  return wanted.version ?? known ?? "";
}

export function wantedText(wanted: Inputs, found: Facts): string {
  const before = parseDaemon(found.daemonJson);
  return daemonText(
    mergeDaemon(isUnreadable(before) ? {} : before, wantedSettings(wanted, engineMajor(wanted, found))),
  );
}

export function compare(wanted: Inputs, found: Facts): Change[] {
  return [
    ...packageChanges(wanted, found),
    ...daemonChanges(wanted, found),
    ...runningChanges(wanted, found),
    ...imageChanges(found),
    ...userChanges(wanted, found),
  ];
}

function packageChanges(wanted: Inputs, found: Facts): Change[] {
  const packages = dockerPackages(found.system, wanted.source);
  if (packages === undefined) return [];
  const changes: Change[] = [];
  for (const name of packages.versioned) {
    const version = wanted.version ?? found.recorded[name] ?? (found.packages[name] || "the candidate");
    const installed = found.packages[name] ?? "not installed";
    if (installed !== version) {
      const why = wanted.version === undefined ? "the version recorded when it was installed" : undefined;
      changes.push({
        path: `packages/${name}`,
        found: installed,
        wanted: version,
        disruption: "reload",
        ...(why === undefined ? {} : { why }),
      });
    }
  }
  for (const name of packages.held) {
    if (name in found.packages && !found.held.includes(name)) {
      changes.push({ path: `hold/${name}`, found: "not held", wanted: "held", disruption: "none" });
    }
  }
  return changes;
}

function daemonChanges(wanted: Inputs, found: Facts): Change[] {
  const before = parseDaemon(found.daemonJson);
  if (isUnreadable(before) || found.daemonJsonHasPassword) return [];
  const settings = wantedSettings(wanted, engineMajor(wanted, found));
  return differingKeys(before, settings).map((key) => ({
    path: `daemon.json/${key}`,
    found: before[key] ?? "unset",
    wanted: settings[key],
    disruption: key === "exec-opts" && found.active ? "container restart" : "reload",
  }));
}

/** What the engine does, beside what its file says: a file edited without a restart shows here. */
function runningChanges(wanted: Inputs, found: Facts): Change[] {
  if (!found.active) {
    return [{ path: "active", found: "stopped", wanted: "running", disruption: "none" }];
  }
  const pairs: [string, unknown, unknown][] = [
    ["enabled", found.enabled, true],
    ["running/daemon.json", found.restartDue ? "not restarted since it changed" : "in force", "in force"],
    ["running/live-restore", found.liveRestore, true],
    ["running/cgroup-driver", found.cgroupDriver, wanted.cgroupDriver],
    ["running/log-driver", found.loggingDriver, "json-file"],
    ["running/data-root", found.rootDir, wanted.dataRoot ?? found.rootDir],
  ];
  if (wanted.gpu) pairs.push(["cdi", found.driverInCdi || "no /etc/cdi/nvidia.yaml", found.driverLoaded]);
  return pairs
    .filter(([, is, should]) => is !== should)
    .map(([path, is, should]) => ({ path, found: is, wanted: should, disruption: "reload" }));
}

/** A pull that a power cut interrupts leaves layers with empty files, and Docker takes those for complete. */
function imageChanges({ layersInDoubt, layersWatched }: Facts): Change[] {
  const changes: Change[] = [];
  if (layersInDoubt > 0) {
    changes.push({
      path: "images",
      found: `${layersInDoubt} layers were being written when the machine went down`,
      wanted: "checked, and what is damaged pulled again",
      disruption: "container restart",
    });
  }
  if (!layersWatched) {
    changes.push({
      path: "images/layers",
      found: "not brought to the disk as they come",
      wanted: "safe from a power cut",
      disruption: "none",
    });
  }
  return changes;
}

function userChanges(wanted: Inputs, found: Facts): Change[] {
  return wanted.users
    .filter((user) => !found.group.includes(user))
    .map((user) => ({
      path: `users/${user}`,
      found: "not in group docker",
      wanted: "in group docker",
      disruption: "none",
    }));
}
