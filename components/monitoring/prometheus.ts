import { stringify } from "yaml";
import type { MonitoringConfig } from "../../config/monitoring.ts";

/** What Prometheus on one host scrapes. Ports are loopback ports of that host. */
export interface ScrapeTargets {
  /** The host's name: a label on every series. */
  host: string;
  stack: string;
  /** The engine's own metrics. */
  enginePort: number;
  /** The gateway's metrics. */
  gatewayMetricsPort: number;
}

/** prometheus.yml of one host. */
export function prometheusFile(config: MonitoringConfig, targets: ScrapeTargets): string {
  const at = loopbackOr(config.listenAddress);
  const { ports } = config;
  const job = (name: string, target: string) => ({
    job_name: name,
    static_configs: [{ targets: [target], labels: { host: targets.host } }],
  });
  const jobs = [
    job("node", hostPort(at, ports.node)),
    ...(config.gpuExporter ? [job("gpu", hostPort(at, ports.gpu))] : []),
    job("engine", hostPort("127.0.0.1", targets.enginePort)),
    job("gateway", hostPort("127.0.0.1", targets.gatewayMetricsPort)),
    job("prometheus", hostPort(at, ports.prometheus)),
    job("alertmanager", hostPort(at, ports.alertmanager)),
  ];
  const file = {
    global: {
      scrape_interval: `${config.scrapeIntervalSeconds}s`,
      evaluation_interval: `${config.scrapeIntervalSeconds}s`,
      external_labels: { stack: targets.stack, host: targets.host },
    },
    rule_files: ["/etc/prometheus/rules.yml"],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [hostPort(at, ports.alertmanager)] }] }] },
    scrape_configs: jobs,
  };
  return stringify(file, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** `ADDRESS:PORT`, with brackets round an IPv6 address. */
export function hostPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Where a local client reaches something that listens on `address`. */
export function loopbackOr(address: string): string {
  if (address === "0.0.0.0") return "127.0.0.1";
  return address === "::" ? "::1" : address;
}
