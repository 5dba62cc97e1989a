/** daemon.json as data. Keys that racksmith does not know are kept as they are. */
export type DaemonSettings = Record<string, unknown>;

export interface DaemonInputs {
  cgroupDriver: string;
  logMaxMiB: number;
  logFiles: number;
  registryMirrors: readonly string[];
  insecureRegistries: readonly string[];
  dataRoot?: string | undefined;
  gpu: boolean;
}

/** Major version of the first engine that knows the feature `cdi`: https://docs.docker.com/engine/release-notes/25.0/ */
export const oldestWithCdi = 25;

/** What racksmith sets. `cdi` only where the engine knows the feature. */
export function wantedSettings(inputs: DaemonInputs, engineMajor: number): DaemonSettings {
  return {
    "live-restore": true,
    "log-driver": "json-file",
    "log-opts": { "max-size": `${inputs.logMaxMiB}m`, "max-file": `${inputs.logFiles}` },
    "exec-opts": [`native.cgroupdriver=${inputs.cgroupDriver}`],
    "registry-mirrors": [...inputs.registryMirrors],
    "insecure-registries": [...inputs.insecureRegistries],
    ...(inputs.dataRoot === undefined ? {} : { "data-root": inputs.dataRoot }),
    ...(engineMajor >= oldestWithCdi ? { features: { cdi: true } } : {}),
    ...(inputs.gpu ? { runtimes: { nvidia: { path: "nvidia-container-runtime", runtimeArgs: [] } } } : {}),
  };
}

/** The file on the node, or what is wrong with it. Missing and empty are an empty object. */
export function parseDaemon(text: string): DaemonSettings | { unreadable: string } {
  if (text.trim() === "") return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : { unreadable: "it is not a JSON object" };
  } catch (error) {
    return { unreadable: error instanceof Error ? error.message : "it is not JSON" };
  }
}

export function isUnreadable(
  settings: DaemonSettings | { unreadable: string },
): settings is { unreadable: string } {
  return Object.keys(settings).length === 1 && typeof settings.unreadable === "string";
}

/** `wanted` laid over `found`; `features` and `runtimes` are merged by name, the rest is replaced. */
export function mergeDaemon(found: DaemonSettings, wanted: DaemonSettings): DaemonSettings {
  const merged: DaemonSettings = { ...found, ...wanted };
  for (const key of ["features", "runtimes"]) {
    const [before, after] = [found[key], wanted[key]];
    if (isObject(before) && isObject(after)) merged[key] = { ...before, ...after };
  }
  return merged;
}

/** Keys of `wanted` that the file does not say yet. */
export function differingKeys(found: DaemonSettings, wanted: DaemonSettings): string[] {
  const merged = mergeDaemon(found, wanted);
  return Object.keys(wanted).filter((key) => canonical(found[key]) !== canonical(merged[key]));
}

/** The text of the file: keys sorted, so that equal settings are equal bytes. */
export function daemonText(settings: DaemonSettings): string {
  return `${JSON.stringify(sorted(settings), null, 2)}\n`;
}

function canonical(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? "";
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).toSorted();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
