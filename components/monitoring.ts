import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../config/connection.ts";
import { ENGINE_PORT } from "../config/cross-checks.ts";
import type { NodeConfig } from "../config/index.ts";
import { Secret } from "../config/secret.ts";
import { type ContainerSpec, monitoringContainers } from "./monitoring/containers.ts";
import { type FileSet, monitoringFiles } from "./monitoring/files.ts";
import { hostPort } from "./monitoring/prometheus.ts";
import { Files } from "./nouns.ts";

export interface MonitoringArgs {
  connection: Connection;
  stack: string;
  monitoring: NodeConfig["monitoring"];
  inference: NodeConfig["inference"];
  /** The GPUs count SM activity. */
  profiling: boolean;
  /** Reaches Docker on the host. */
  docker: docker.Provider;
}

/** Prometheus, Alertmanager and the exporters of one host, their rules and their dashboards. */
export class Monitoring extends pulumi.ComponentResource {
  /** Prometheus, as seen on the host. */
  readonly metricsUrl: string;

  constructor(name: string, args: MonitoringArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("racksmith:components:Monitoring", name, {}, opts);
    const files = writeFiles(name, args, { parent: this });
    const images = pullImages(name, args, { parent: this, provider: args.docker });
    const volumes = makeVolumes(name, args, { parent: this, provider: args.docker });
    startContainers(name, args, images, {
      parent: this,
      provider: args.docker,
      dependsOn: [...files, ...volumes],
    });
    this.metricsUrl = metricsUrlOf(args.monitoring);
    this.registerOutputs({ metricsUrl: this.metricsUrl });
  }
}

function writeFiles(
  name: string,
  args: MonitoringArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const { connection, inference, monitoring, stack } = args;
  const targets = {
    host: connection.name,
    stack,
    enginePort: ENGINE_PORT,
    gatewayMetricsPort: inference.gateway.metricsPort,
  };
  return monitoringFiles(monitoring, targets).map((set) => {
    return new Files(`${name}-${set.name}`, { connection, ...filesInputs(set) }, opts);
  });
}

/** A set of files as the noun takes it: what is secret apart from what is not. */
export function filesInputs({ name, files }: FileSet) {
  const secret = files.flatMap(({ path, content }) =>
    content instanceof Secret ? [[path, content] as const] : [],
  );
  return {
    name: `monitoring-${name}`,
    files: files.map(({ content, ...file }) => (content instanceof Secret ? file : { ...file, content })),
    secretContents: Object.fromEntries(secret),
  };
}

type Images = ReadonlyMap<string, docker.RemoteImage>;

/** One image, one pull, before anything is replaced. */
function pullImages(
  name: string,
  { monitoring, profiling }: MonitoringArgs,
  opts: pulumi.CustomResourceOptions,
): Images {
  const specs = monitoringContainers(monitoring, { profiling });
  return new Map(
    specs.map((spec) => [
      spec.name,
      new docker.RemoteImage(`${name}-${short(spec)}`, { name: spec.image, keepLocally: true }, opts),
    ]),
  );
}

/** Measurements and silences. `destroy` leaves the volumes: they are data. */
function makeVolumes(
  name: string,
  { monitoring, profiling }: MonitoringArgs,
  opts: pulumi.CustomResourceOptions,
) {
  return volumeNames(monitoringContainers(monitoring, { profiling })).map(
    (volume) => new docker.Volume(`${name}-${volume}`, { name: volume }, { ...opts, retainOnDelete: true }),
  );
}

/** Volumes that these containers keep their data in. */
export function volumeNames(specs: readonly ContainerSpec[]): string[] {
  const named = specs.flatMap(({ mounts }) => mounts.filter(({ type }) => type === "volume"));
  return [...new Set(named.map(({ source }) => source))];
}

function startContainers(
  name: string,
  args: MonitoringArgs,
  images: Images,
  opts: pulumi.CustomResourceOptions,
) {
  for (const spec of monitoringContainers(args.monitoring, args)) {
    const image = images.get(spec.name)?.imageId ?? spec.image;
    // One name on one host: the old container has to go before the new one comes.
    const options = { ...opts, deleteBeforeReplace: true };
    new docker.Container(`${name}-${short(spec)}`, containerArgs(spec, image, args.stack), options);
  }
}

function short({ name }: ContainerSpec): string {
  return name.replace(/^racksmith-/, "");
}

/** A container as @pulumi/docker takes it: on the host's network, read-only, without privileges. */
export function containerArgs(
  spec: ContainerSpec,
  image: pulumi.Input<string>,
  stack: string,
): docker.ContainerArgs {
  return {
    name: spec.name,
    image,
    command: spec.command,
    user: spec.user,
    networkMode: "host",
    readOnly: true,
    restart: "unless-stopped",
    mustRun: true,
    memory: spec.memoryMiB,
    // No swap. Left out, Docker allows as much again, and the plugin shows that as a change for ever.
    memorySwap: spec.memoryMiB,
    capabilities: { drops: ["ALL"], adds: spec.capabilities },
    // Docker adds the first by itself beside the host's processes; unsaid, that is a change for ever.
    securityOpts: [...(spec.hostPids ? ["label=disable"] : []), "no-new-privileges"],
    logDriver: "json-file",
    logOpts: { "max-size": "20m", "max-file": "3" },
    labels: [{ label: "racksmith.stack", value: stack }],
    mounts: spec.mounts.map(({ propagation, ...mount }) => ({
      ...mount,
      ...(propagation && { bindOptions: { propagation } }),
    })),
    ...(spec.tmpfs.length > 0 && {
      tmpfs: Object.fromEntries(spec.tmpfs.map((path) => [path, "rw,nosuid,nodev"])),
    }),
    ...(spec.environment && { envs: spec.environment }),
    ...(spec.hostPids && { pidMode: "host" }),
    ...(spec.gpus && { deviceRequests: [{ driver: "cdi", deviceIds: ["nvidia.com/gpu=all"] }] }),
  };
}

export function metricsUrlOf({ listenAddress, ports }: NodeConfig["monitoring"]): string {
  return `http://${hostPort(listenAddress, ports.prometheus)}`;
}
