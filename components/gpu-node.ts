import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { ENGINE_PORT } from "../config/cross-checks.ts";
import type { Hook } from "../config/hooks.ts";
import type { NodeConfig } from "../config/index.ts";
import type { Manifest } from "../config/weights-manifest.ts";
import { AccessControl } from "./access-control.ts";
import { DockerRuntime } from "./docker-runtime.ts";
import { GpuDriver } from "./gpu-driver.ts";
import { Hooks } from "./hooks.ts";
import { endpointOf, InferenceServer } from "./inference-server.ts";
import { Monitoring, type MonitoringArgs, metricsUrlOf } from "./monitoring.ts";
import { Host } from "./nouns.ts";
import { WeightStorage } from "./weight-storage.ts";

export interface GpuNodeArgs {
  stack: string;
  node: NodeConfig;
  /** What the model's folder holds; absent when the node fetches the model from a URL. */
  manifest: Manifest | undefined;
  /** The GPUs count SM activity. */
  profiling: boolean;
}

/** What a person wants to know about a host once it is deployed. */
export interface NodeSummary {
  /** Base URL of the OpenAI API. */
  endpoint: string;
  /** What to send as `model`. */
  model: string;
  /** Prometheus, as seen on the host. */
  metricsUrl: string;
  /** What a destroy leaves on the host. */
  keptOnDestroy: string[];
}

/** A whole machine, from bare to answering, each part after the one that it needs. */
export class GpuNode extends pulumi.ComponentResource {
  readonly summary: NodeSummary;

  constructor(name: string, args: GpuNodeArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("racksmith:components:GpuNode", name, {}, opts);
    const { node, stack, manifest, profiling } = args;
    const { connection } = node;
    const after = (...dependsOn: pulumi.Resource[]) => ({ parent: this, dependsOn });

    const before = runHooks(`${name}-pre`, node, node.hooks.preDeploy, after());
    const host = preflight(name, node, after(...before));
    const driver = new GpuDriver(name, node, after(host));
    const storage = new WeightStorage(name, { ...node, raid: node.raid, manifest }, after(driver));
    const runtime = new DockerRuntime(
      name,
      { connection, docker: node.docker, gpu: hasGpu(node) },
      after(storage),
    );
    const docker = runtime.provider;
    const server = new InferenceServer(name, { ...node, stack, docker }, after(runtime));
    const access = new AccessControl(name, node, after(server));
    const monitoring = watchedParts(node);
    const watched = monitor(name, { ...node, monitoring, stack, profiling, docker }, after(access));
    runHooks(`${name}-post`, node, node.hooks.postDeploy, after(access, ...watched));

    this.summary = summaryOf(node);
    this.registerOutputs({ summary: this.summary });
  }
}

/** Refuses the machine before anything is touched. */
function preflight(name: string, node: NodeConfig, opts: pulumi.CustomResourceOptions): pulumi.Resource {
  const { connection, raid, host } = node;
  const disks = raid ? [...raid.members, ...raid.spares] : [];
  const wiring = { disks, wipe: raid?.wipe ?? [], arrays: raid ? [raid.name] : [], ports: portsOf(node) };
  return new Host(name, { connection, ...host, ...wiring }, opts);
}

/** Ports that racksmith's services listen on: nobody else may have them. */
function portsOf({ inference, monitoring }: NodeConfig): number[] {
  const own = [ENGINE_PORT, inference.gateway.port, inference.gateway.metricsPort];
  if (!monitoring.enabled) return own;
  const { ports, images, gpuExporter } = monitoring;
  const optional = [...(gpuExporter ? [ports.gpu] : []), ...(images.grafana ? [ports.grafana] : [])];
  return [...own, ports.prometheus, ports.alertmanager, ports.node, ...optional];
}

/** What is watched on the host: GPUs only where it is meant to have some. */
function watchedParts(node: NodeConfig): NodeConfig["monitoring"] {
  return { ...node.monitoring, gpuExporter: node.monitoring.gpuExporter && hasGpu(node) };
}

function monitor(
  name: string,
  args: MonitoringArgs,
  opts: pulumi.ComponentResourceOptions,
): pulumi.Resource[] {
  return args.monitoring.enabled ? [new Monitoring(name, args, opts)] : [];
}

function runHooks(
  name: string,
  node: NodeConfig,
  hooks: readonly Hook[],
  opts: pulumi.ComponentResourceOptions,
) {
  if (hooks.length === 0) return [];
  return [new Hooks(name, { connection: node.connection, hooks, trigger: fingerprint(node) }, opts)];
}

/** Changes with the host's configuration. Secrets print as `[secret]`, so none is in it. */
function fingerprint(node: NodeConfig): string {
  return createHash("sha256").update(JSON.stringify(node)).digest("hex");
}

/** Whether the host is meant to have GPUs; one without says host.gpus.count 0. */
function hasGpu({ host }: NodeConfig): boolean {
  return (host.gpus?.count ?? 0) > 0;
}

/** The outputs of a host. Pure. */
export function summaryOf(node: NodeConfig): NodeSummary {
  const { connection, inference, monitoring, raid, vault, weights, driver } = node;
  const kept = [
    ...(raid?.onDelete === "keep" ? [`the array /dev/md/${raid.name}`] : []),
    ...(vault.onDelete === "keep" ? [`the encrypted volume racksmith-${vault.name}`] : []),
    ...(weights.onDelete === "keep" ? ["the models on it"] : []),
    ...(driver.onDelete === "keep" && hasGpu(node) ? ["the driver's packages"] : []),
    "pulled images",
    ...(monitoring.enabled ? ["measurements, in Docker volumes"] : []),
  ];
  return {
    endpoint: endpointOf(connection, inference),
    model: inference.servedName,
    metricsUrl: monitoring.enabled ? metricsUrlOf(monitoring) : "",
    keptOnDestroy: kept,
  };
}
