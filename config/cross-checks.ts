import { tierHardware } from "../tiers/hardware.ts";
import { defaultImages } from "../tiers/images.ts";
import type { NodeConfig } from "./index.ts";
import { versionBelow } from "./inference.ts";
import { addressProblems, loginProblems } from "./login-checks.ts";
import type { MonitoringConfig } from "./monitoring.ts";
import type { Problem } from "./problem.ts";
import { vaultKeyMinCharacters } from "./vault.ts";

type Node = Partial<NodeConfig> & Pick<NodeConfig, "tier">;

/** Where the engine listens on every node, on loopback. */
export const ENGINE_PORT = 18_000;

/** Rules that span sections of one host. `at` is the host's path, for messages. Sections that did not parse are absent. */
export function checkNode(node: Node, at: string): Problem[] {
  return [
    ...addressProblems(node.connection, at),
    ...loginProblems(node.connection, at),
    ...portClashes(node, at),
    ...vaultProblems(node),
    ...parallelProblems(node),
    ...(node.monitoring ? monitoringProblems(node.monitoring) : []),
  ];
}

/** Rules that span hosts. */
export function checkFleet(nodes: readonly Node[]): Problem[] {
  return [
    ...twice(nodes, "name", (node) => node.connection?.name),
    ...twice(nodes, "address", ({ connection }) =>
      connection && connection.jump === undefined ? `${connection.address}:${connection.port}` : undefined,
    ),
  ];
}

function twice(nodes: readonly Node[], field: string, of: (node: Node) => string | undefined): Problem[] {
  const first = new Map<string, number>();
  return nodes.flatMap((node, index) => {
    const value = of(node);
    if (value === undefined) return [];
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, index);
    if (earlier === undefined) return [];
    return [
      { path: `hosts/${index}/${field}`, problem: `found ${value}, which hosts/${earlier} has already` },
    ];
  });
}

function portClashes(node: Node, at: string): Problem[] {
  const claims = new Map<number, string>();
  const problems: Problem[] = [];
  for (const [name, port] of ports(node, at)) {
    const holder = claims.get(port);
    if (holder === undefined) claims.set(port, name);
    else problems.push({ path: name, problem: `found ${port}, which ${holder} has on the same host` });
  }
  return problems;
}

/** TCP ports of a host by who has them; those that cannot be chosen first, so that the others are blamed. */
function ports({ connection, inference, monitoring }: Node, at: string): [name: string, port: number][] {
  const claimed: [string, number][] = [["the engine", ENGINE_PORT]];
  if (connection) claimed.push([`SSH (${at}/port)`, connection.port]);
  if (inference) {
    claimed.push(["inference/gateway/port", inference.gateway.port]);
    claimed.push(["inference/gateway/metricsPort", inference.gateway.metricsPort]);
  }
  if (monitoring?.enabled) {
    const { ports, images, gpuExporter } = monitoring;
    claimed.push(["monitoring/ports/prometheus", ports.prometheus]);
    claimed.push(["monitoring/ports/alertmanager", ports.alertmanager]);
    claimed.push(["monitoring/ports/node", ports.node]);
    if (gpuExporter) claimed.push(["monitoring/ports/gpu", ports.gpu]);
    if (images.grafana !== undefined) claimed.push(["monitoring/ports/grafana", ports.grafana]);
  }
  return claimed;
}

function vaultProblems({ vault }: Node): Problem[] {
  if (vault === undefined || vault.key.reveal().length >= vaultKeyMinCharacters) return [];
  return [
    {
      path: "vault/key",
      problem: "found [secret], too short",
      allowed: `at least ${vaultKeyMinCharacters} characters`,
    },
  ];
}

/** Ranks beyond the GPUs that the host is checked to have, or that the engine is given. */
function parallelProblems({ tier, host, inference }: Node): Problem[] {
  if (inference?.settings.engine !== "vllm") return [];
  const { tensorParallel, pipelineParallel } = inference.settings;
  const given = inference.gpus.filter((device) => !device.endsWith("=all")).length;
  const present = host?.gpus?.count ?? tierHardware[tier].gpu.count;
  const count = given > 0 ? Math.min(given, present) : present;
  if (tensorParallel * pipelineParallel <= count) return [];
  const problem = `found ${tensorParallel} x ${pipelineParallel} (tensorParallel x pipelineParallel)`;
  return [
    { path: "inference/settings/tensorParallel", problem, allowed: `at most ${count}, the GPUs of the host` },
  ];
}

/** First Alertmanager that can do what a receiver asks of it. */
const RECEIVER_NEEDS = {
  webhook: "0.26.0",
  "wecom-app": "0.31.0",
  dingtalk: "0.32.0",
  feishu: "0.32.0",
  "wecom-robot": "0.32.0",
};

function monitoringProblems({ images, grafanaPassword, receivers }: MonitoringConfig): Problem[] {
  const problems: Problem[] = [];
  if (images.grafana !== undefined && grafanaPassword === undefined) {
    problems.push({
      path: "monitoring/grafanaPassword",
      problem: "is missing, and Grafana's own is known to everybody",
      allowed: "a secret",
    });
  }
  // An image without a version in its tag is taken at its word.
  const version = /:v?(\d+\.\d+\.\d+)[^/]*@/.exec(images.alertmanager ?? defaultImages.alertmanager)?.[1];
  receivers.forEach(({ kind }, index) => {
    const needs = RECEIVER_NEEDS[kind];
    if (version === undefined || !versionBelow(version, needs)) return;
    problems.push({
      path: `monitoring/receivers/${index}/kind`,
      problem: `found ${kind} with Alertmanager ${version}`,
      allowed: `Alertmanager ${needs} or later`,
    });
  });
  return problems;
}
