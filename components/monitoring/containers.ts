import type { MonitoringConfig } from "../../config/monitoring.ts";
import { defaultImages } from "../../tiers/images.ts";
import { hostPort } from "./prometheus.ts";

/** A bind mount or a named volume. */
export interface Mount {
  type: "bind" | "volume";
  source: string;
  target: string;
  readOnly: boolean;
  propagation?: "rslave";
}

/** A monitoring container as data: what @pulumi/docker is asked for. */
export interface ContainerSpec {
  name: string;
  image: string;
  command: string[];
  user: string;
  mounts: Mount[];
  tmpfs: string[];
  capabilities: string[];
  memoryMiB: number;
  hostPids?: boolean;
  gpus?: boolean;
  environment?: string[];
}

/** Nobody: what Prometheus' own images run as. */
export const NOBODY = 65_534;
/** Grafana's own user. */
export const GRAFANA = 472;

export const CONFIG_DIRECTORY = "/etc/racksmith/monitoring";
export const METRICS_DIRECTORY = "/var/lib/racksmith/metrics";

/** The containers of one host. `profiling`: the GPU counts SM activity, which only data-centre GPUs do. */
export function monitoringContainers(
  config: MonitoringConfig,
  { profiling }: { profiling: boolean },
): ContainerSpec[] {
  return [
    prometheus(config),
    alertmanager(config),
    nodeExporter(config),
    ...(config.gpuExporter ? [gpuExporter(config, profiling)] : []),
    ...(config.images.grafana === undefined ? [] : [grafana(config, config.images.grafana)]),
  ];
}

function prometheus({
  images,
  listenAddress,
  ports,
  retention,
  retentionSizeGB,
}: MonitoringConfig): ContainerSpec {
  return {
    name: "racksmith-prometheus",
    image: images.prometheus ?? defaultImages.prometheus,
    command: [
      "--config.file=/etc/prometheus/prometheus.yml",
      "--storage.tsdb.path=/prometheus",
      `--storage.tsdb.retention.time=${retention}`,
      `--storage.tsdb.retention.size=${retentionSizeGB}GB`,
      `--web.listen-address=${hostPort(listenAddress, ports.prometheus)}`,
    ],
    user: `${NOBODY}:${NOBODY}`,
    mounts: [
      configMount("prometheus", "/etc/prometheus"),
      { type: "volume", source: "racksmith-prometheus", target: "/prometheus", readOnly: false },
    ],
    tmpfs: [],
    capabilities: [],
    memoryMiB: 2048,
  };
}

function alertmanager({ images, listenAddress, ports }: MonitoringConfig): ContainerSpec {
  return {
    name: "racksmith-alertmanager",
    image: images.alertmanager ?? defaultImages.alertmanager,
    command: [
      "--config.file=/etc/alertmanager/alertmanager.yml",
      "--storage.path=/alertmanager",
      `--web.listen-address=${hostPort(listenAddress, ports.alertmanager)}`,
      // One instance: an empty address keeps it from opening the gossip port on every interface.
      "--cluster.listen-address=",
    ],
    user: `${NOBODY}:${NOBODY}`,
    mounts: [
      configMount("alertmanager", "/etc/alertmanager"),
      { type: "volume", source: "racksmith-alertmanager", target: "/alertmanager", readOnly: false },
    ],
    tmpfs: [],
    capabilities: [],
    memoryMiB: 256,
  };
}

function nodeExporter({ images, listenAddress, ports }: MonitoringConfig): ContainerSpec {
  return {
    name: "racksmith-node-exporter",
    image: images.nodeExporter ?? defaultImages.nodeExporter,
    command: [
      "--path.rootfs=/host",
      "--path.procfs=/host/proc",
      "--path.sysfs=/host/sys",
      `--collector.textfile.directory=/host${METRICS_DIRECTORY}`,
      `--web.listen-address=${hostPort(listenAddress, ports.node)}`,
    ],
    user: `${NOBODY}:${NOBODY}`,
    mounts: [{ type: "bind", source: "/", target: "/host", readOnly: true, propagation: "rslave" }],
    tmpfs: [],
    capabilities: [],
    memoryMiB: 256,
    hostPids: true,
  };
}

/** DCGM runs inside the container and opens the driver's devices as root; counting SM activity needs SYS_ADMIN too. */
function gpuExporter({ images, listenAddress, ports }: MonitoringConfig, profiling: boolean): ContainerSpec {
  return {
    name: "racksmith-gpu-exporter",
    image: images.gpuExporter ?? defaultImages.gpuExporter,
    command: [
      `--address=${hostPort(listenAddress, ports.gpu)}`,
      "--collectors=/etc/dcgm-exporter/racksmith/counters.csv",
    ],
    user: "0:0",
    mounts: [configMount("gpu-exporter", "/etc/dcgm-exporter/racksmith")],
    tmpfs: ["/run", "/tmp", "/var/log"],
    // By its long name: that is how the plugin reads it back, and another spelling is a change for ever.
    capabilities: profiling ? ["CAP_SYS_ADMIN"] : [],
    memoryMiB: 512,
    gpus: true,
  };
}

function grafana({ listenAddress, ports }: MonitoringConfig, image: string): ContainerSpec {
  return {
    name: "racksmith-grafana",
    image,
    command: [],
    user: `${GRAFANA}:0`,
    mounts: [
      configMount("grafana/provisioning", "/etc/grafana/provisioning"),
      configMount("grafana/dashboards", "/var/lib/racksmith-dashboards"),
      configMount("grafana/secrets", "/run/secrets/racksmith"),
      { type: "volume", source: "racksmith-grafana", target: "/var/lib/grafana", readOnly: false },
    ],
    tmpfs: ["/tmp"],
    capabilities: [],
    memoryMiB: 512,
    environment: [
      `GF_SERVER_HTTP_ADDR=${listenAddress}`,
      `GF_SERVER_HTTP_PORT=${ports.grafana}`,
      "GF_SECURITY_ADMIN_PASSWORD__FILE=/run/secrets/racksmith/admin-password",
      "GF_ANALYTICS_REPORTING_ENABLED=false",
      "GF_ANALYTICS_CHECK_FOR_UPDATES=false",
      "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED=true",
    ],
  };
}

function configMount(folder: string, target: string): Mount {
  return { type: "bind", source: `${CONFIG_DIRECTORY}/${folder}`, target, readOnly: true };
}
