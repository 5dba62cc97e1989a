import { defineNoun, type Refusal } from "../noun.ts";
import { compare, engineMajor, engineVersion, wantedText } from "./docker/compare.ts";
import { isUnreadable, oldestWithCdi, parseDaemon } from "./docker/daemon.ts";
import { type Facts, facts, type Inputs, inputs } from "./docker/facts.ts";
import { dockerPackages, knownSystems } from "./docker/packages.ts";

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
