import type { ContainerInspectInfo } from "dockerode";
import type { ContainerInputs } from "./container-spec.ts";

const mebibyteBytes = 1024 * 1024;

/** What `docker inspect` gives beyond the typings of dockerode. */
type Inspect = ContainerInspectInfo & {
  Platform?: string;
  Config: { StopSignal?: string; StopTimeout?: number };
  NetworkSettings: { Bridge?: string };
};

/**
 * The outputs of a container as the official plugin 5.2.0 states them: the inputs, overwritten by what
 * runs. `envs` and `labels` stay as they were asked for, because Docker merges the image's own into them.
 * A stopped container whose inputs say `mustRun` reports `mustRun: false`: that is how its drift shows.
 */
export function containerOutputs(inputs: Partial<ContainerInputs>, found: Inspect): Record<string, unknown> {
  const { Config: config, HostConfig: host, NetworkSettings: network, State: state } = found;
  return {
    ...inputs,
    name: found.Name.replace(/^\//, ""),
    image: inputs.image?.startsWith("sha256:") ? found.Image : config.Image,
    command: config.Cmd ?? [],
    entrypoints: entrypoints(config.Entrypoint),
    envs: inputs.envs ?? config.Env ?? [],
    labels: inputs.labels ?? Object.entries(config.Labels ?? {}).map(([label, value]) => ({ label, value })),
    user: config.User,
    hostname: config.Hostname,
    workingDir: config.WorkingDir,
    stopSignal: config.StopSignal ?? "",
    stopTimeout: config.StopTimeout ?? 0,
    readOnly: host.ReadonlyRootfs ?? false,
    init: host.Init ?? false,
    privileged: host.Privileged ?? false,
    restart: host.RestartPolicy?.Name ?? "no",
    maxRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    networkMode: host.NetworkMode ?? "",
    ipcMode: host.IpcMode ?? "",
    runtime: host.Runtime ?? "",
    securityOpts: host.SecurityOpt ?? [],
    groupAdds: host.GroupAdd ?? [],
    memory: Math.floor((host.Memory ?? 0) / mebibyteBytes),
    memoryReservation: Math.floor((host.MemoryReservation ?? 0) / mebibyteBytes),
    memorySwap: swapMebibytes(host.MemorySwap ?? 0),
    shmSize: Math.floor((host.ShmSize ?? 0) / mebibyteBytes),
    logDriver: host.LogConfig?.Type ?? "",
    ...(inputs.logOpts === undefined ? {} : { logOpts: host.LogConfig?.Config ?? {} }),
    ...(inputs.pidMode === undefined ? {} : { pidMode: host.PidMode ?? "" }),
    ...(inputs.capabilities === undefined
      ? {}
      : { capabilities: { adds: host.CapAdd ?? [], drops: host.CapDrop ?? [] } }),
    ...(inputs.tmpfs === undefined ? {} : { tmpfs: host.Tmpfs ?? {} }),
    platform: found.Platform ?? "",
    bridge: network.Bridge ?? "",
    networkDatas: Object.entries(network.Networks ?? {}).map(([networkName, data]) => ({
      networkName,
      gateway: data.Gateway,
      ipAddress: data.IPAddress,
      ipPrefixLength: data.IPPrefixLen,
      ipv6Gateway: data.IPv6Gateway,
      globalIpv6Address: data.GlobalIPv6Address,
      globalIpv6PrefixLength: data.GlobalIPv6PrefixLen,
      macAddress: data.MacAddress,
    })),
    containerLogs: "",
    exitCode: state.Running ? 0 : state.ExitCode,
    mustRun: state.Running ? (inputs.mustRun ?? true) : false,
    healthcheck: inputs.healthcheck ?? null,
  };
}

function entrypoints(found: string | string[] | undefined): string[] {
  if (found === undefined || found === null) return [];
  return typeof found === "string" ? [found] : found;
}

function swapMebibytes(bytes: number): number {
  return bytes > 0 ? Math.floor(bytes / mebibyteBytes) : bytes;
}
