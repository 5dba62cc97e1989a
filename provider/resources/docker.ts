import { z } from "zod";
import { dockerShape, loginName } from "../../config/docker.ts";
import { type Change, defineNoun, type Refusal } from "../noun.ts";
import {
  daemonText,
  differingKeys,
  isUnreadable,
  mergeDaemon,
  oldestWithCdi,
  parseDaemon,
  wantedSettings,
} from "./docker/daemon.ts";
import { dockerPackages, knownSystems, ownVersion } from "./docker/packages.ts";

const inputs = z.strictObject({
  ...dockerShape,
  /** The node has NVIDIA GPUs: runtime entry and CDI devices are kept. The driver noun brings the toolkit. */
  gpu: z.boolean().default(false),
  /**
   * Users who may use the Docker socket, which makes them as good as root on the node. The docker plugin logs in
   * as the user of the connection; when that is not root it has to be here.
   */
  users: z.array(loginName).max(32).default([]),
});

const facts = z.object({
  /** `debian 13`, `ubuntu 24.04`. */
  system: z.string(),
  /** Installed packages of Docker, name → version. */
  packages: z.record(z.string(), z.string()),
  held: z.array(z.string()),
  /** Versions recorded at the first installation, name → version. */
  recorded: z.record(z.string(), z.string()),
  /** What apt would install, "" when no repository has it. */
  candidate: z.string(),
  active: z.boolean(),
  enabled: z.boolean(),
  /** Version of the running engine, "" when none runs. */
  engineVersion: z.string(),
  daemonJson: z.string(),
  /** daemon.json holds a URL with a password: it is then not shown, and not touched. */
  daemonJsonHasPassword: z.boolean(),
  /** daemon.json was replaced, and the act ended before the engine took it. */
  restartDue: z.boolean(),
  /** What the running engine says that it does. */
  liveRestore: z.boolean(),
  cgroupDriver: z.string(),
  loggingDriver: z.string(),
  rootDir: z.string(),
  group: z.array(z.string()),
  /** Driver loaded now, driver that /etc/cdi/nvidia.yaml was made for; "" when none. */
  driverLoaded: z.string(),
  driverInCdi: z.string(),
});

type Inputs = z.infer<typeof inputs>;
type Facts = z.infer<typeof facts>;

/** Docker, pinned and held, with daemon.json, GPU devices by CDI, and who may use its socket. */
export const docker = defineNoun({
  name: "docker",
  inputs,
  facts,
  compare,
  refuse,
  forObserve: (wanted) => ({ source: wanted.source }),
  forAct: (wanted, found) => {
    const packages = dockerPackages(found.system, wanted.source);
    return {
      package: packagesToInstall(wanted, found),
      hold: [...(packages?.held ?? [])],
      daemon_json: wantedText(wanted, found),
      gpu: wanted.gpu,
      user: wanted.users,
    };
  },
});

/** Versions pinned where one is wanted or recorded; else the candidate is taken. */
function packagesToInstall(wanted: Inputs, found: Facts): string[] {
  const packages = dockerPackages(found.system, wanted.source);
  if (packages === undefined) return [];
  const pinned = packages.versioned.map((name) => {
    const version = wanted.version ?? found.recorded[name];
    return version === undefined ? name : `${name}=${version}`;
  });
  return [...pinned, ...packages.others];
}

function engineMajor(wanted: Inputs, found: Facts): number {
  return Number.parseInt(engineVersion(wanted, found).replace(/^\d+:/, ""), 10) || 0;
}

/** The engine's that will run; empty when nothing tells it. */
function engineVersion(wanted: Inputs, found: Facts): string {
  const known = found.engineVersion || found.candidate || ownVersion(found.system, wanted.source);
  return wanted.version ?? known ?? "";
}

function wantedText(wanted: Inputs, found: Facts): string {
  const before = parseDaemon(found.daemonJson);
  return daemonText(
    mergeDaemon(isUnreadable(before) ? {} : before, wantedSettings(wanted, engineMajor(wanted, found))),
  );
}

function compare(wanted: Inputs, found: Facts): Change[] {
  return [
    ...packageChanges(wanted, found),
    ...daemonChanges(wanted, found),
    ...runningChanges(wanted, found),
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

function refuse(wanted: Inputs, found: Facts): Refusal[] {
  const refusals: Refusal[] = [];
  if (dockerPackages(found.system, wanted.source) === undefined) {
    refusals.push({
      path: "source",
      found: found.system,
      wanted: knownSystems.join(", "),
      remedy: "install one of these systems",
    });
  }
  const other = Object.keys(found.packages).find(
    (name) => (wanted.source === "distribution") === name.startsWith("docker-ce"),
  );
  if (other !== undefined && (other.startsWith("docker-ce") || other === "docker.io")) {
    refusals.push({
      path: "source",
      found: `${other} ${found.packages[other]}`,
      wanted: wanted.source,
      remedy: `set docker.source to ${other.startsWith("docker-ce") ? "docker-ce" : "distribution"}, or purge ${other} yourself: that stops its containers`,
    });
  }
  const major = engineMajor(wanted, found);
  if (wanted.gpu && major > 0 && major < oldestWithCdi) {
    refusals.push({
      path: "source",
      found: `Docker ${engineVersion(wanted, found)} by source ${wanted.source}`,
      wanted: `Docker ${oldestWithCdi} or later, which hands GPUs to containers by CDI`,
      remedy:
        "add Docker's own apt repository, or a mirror of it, to this host and set docker.source: docker-ce; or install Debian 13 or Ubuntu 24.04",
    });
  }
  const before = parseDaemon(found.daemonJson);
  if (isUnreadable(before)) {
    refusals.push({
      path: "daemon.json",
      found: before.unreadable,
      wanted: "a JSON object",
      remedy: "repair or remove /etc/docker/daemon.json",
    });
  }
  if (found.daemonJsonHasPassword) {
    refusals.push({
      path: "daemon.json",
      found: "a URL with a password in /etc/docker/daemon.json",
      wanted: "no secrets in it",
      remedy: "put proxies with passwords into a systemd drop-in of docker.service, 0600",
    });
  }
  const dataRoot = isUnreadable(before) ? undefined : before["data-root"];
  if (
    wanted.dataRoot !== undefined &&
    found.active &&
    found.rootDir !== "" &&
    found.rootDir !== wanted.dataRoot &&
    dataRoot !== wanted.dataRoot
  ) {
    refusals.push({
      path: "dataRoot",
      found: `a running engine with its images in ${found.rootDir}`,
      wanted: wanted.dataRoot,
      remedy:
        "moving it would hide every image and container: move the directory and set data-root by hand, once",
    });
  }
  return refusals;
}
