/** What a system calls Docker's packages. `versioned` all carry the engine's version; `held` are kept from upgrades. */
export interface DockerPackages {
  versioned: readonly string[];
  others: readonly string[];
  held: readonly string[];
}

export type DockerSource = "distribution" | "docker-ce";

/** Debian 13 split the command off; without apparmor Debian's Docker refuses to start containers. */
const distribution: Readonly<Record<string, DockerPackages>> = {
  "debian 13": {
    versioned: ["docker.io", "docker-cli"],
    others: ["apparmor", "ca-certificates"],
    held: ["docker.io", "docker-cli", "containerd", "runc"],
  },
  "debian 12": {
    versioned: ["docker.io"],
    others: ["apparmor", "ca-certificates"],
    held: ["docker.io", "containerd", "runc"],
  },
  "ubuntu 24.04": {
    versioned: ["docker.io"],
    others: ["apparmor", "ca-certificates"],
    held: ["docker.io", "containerd", "runc"],
  },
  "ubuntu 22.04": {
    versioned: ["docker.io"],
    others: ["apparmor", "ca-certificates"],
    held: ["docker.io", "containerd", "runc"],
  },
};

const dockerCe: DockerPackages = {
  versioned: ["docker-ce", "docker-ce-cli"],
  others: ["containerd.io", "apparmor", "ca-certificates"],
  held: ["docker-ce", "docker-ce-cli", "containerd.io"],
};

/** The engine that a system's own packages bring, where that is too old for GPUs and its apt may not have been asked yet. */
const tooOld: Readonly<Record<string, string>> = { "debian 12": "20.10.24" };

export function ownVersion(system: string, source: DockerSource): string | undefined {
  return source === "distribution" ? tooOld[system] : undefined;
}

/** Systems whose packages are known. */
export const knownSystems: readonly string[] = Object.keys(distribution);

/** Packages of `system` (`debian 13`), or undefined when that system is not known. */
export function dockerPackages(system: string, source: DockerSource): DockerPackages | undefined {
  const own = distribution[system];
  return own === undefined || source === "distribution" ? own : dockerCe;
}
