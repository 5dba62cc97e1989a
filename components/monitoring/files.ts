import { readFileSync } from "node:fs";
import type { MonitoringConfig } from "../../config/monitoring.ts";
import { Secret } from "../../config/secret.ts";
import { alertmanagerFiles } from "./alertmanager.ts";
import { CONFIG_DIRECTORY, GRAFANA, METRICS_DIRECTORY, NOBODY } from "./containers.ts";
import { dashboardFile, dashboardProviderFile, dashboards, datasourceFile } from "./dashboards.ts";
import { hostPort, loopbackOr, prometheusFile, type ScrapeTargets } from "./prometheus.ts";
import { rulesFile } from "./rules.ts";

/** A file on the host, and what to do when it changes. */
export interface NodeFile {
  path: string;
  content: string | Secret;
  mode: string;
  owner: string;
}

/** Files of one purpose: what reads them is reloaded once when any of them changes. */
export interface FileSet {
  name: string;
  files: NodeFile[];
}

/** Everything monitoring writes on one host. */
export function monitoringFiles(config: MonitoringConfig, targets: ScrapeTargets): FileSet[] {
  return [
    { name: "metrics", files: metricsFiles() },
    { name: "prometheus", files: prometheusFiles(config, targets) },
    { name: "alertmanager", files: alertmanagerSet(config) },
    ...(config.gpuExporter
      ? [{ name: "gpu-exporter", files: [plain("gpu-exporter/counters.csv", read("counters.csv"))] }]
      : []),
    ...(config.images.grafana === undefined ? [] : [{ name: "grafana", files: grafanaFiles(config) }]),
  ];
}

/** The script and timer that write array, vault and driver state for node exporter. */
function metricsFiles(): NodeFile[] {
  return [
    file("/usr/local/lib/racksmith/racksmith-metrics", read("racksmith-metrics"), "0755"),
    file("/etc/systemd/system/racksmith-metrics.service", read("racksmith-metrics.service")),
    file("/etc/systemd/system/racksmith-metrics.timer", read("racksmith-metrics.timer")),
    // Node exporter complains about a folder that is not there yet.
    file(`${METRICS_DIRECTORY}/README`, "Read by node exporter, written by racksmith-metrics.timer.\n"),
  ];
}

function prometheusFiles(config: MonitoringConfig, targets: ScrapeTargets): NodeFile[] {
  return [
    plain("prometheus/prometheus.yml", prometheusFile(config, targets)),
    plain("prometheus/rules.yml", rulesFile(config.thresholds)),
  ];
}

function alertmanagerSet(config: MonitoringConfig): NodeFile[] {
  const { config: main, templates, secrets } = alertmanagerFiles(config);
  return [
    plain("alertmanager/alertmanager.yml", main),
    plain("alertmanager/racksmith.tmpl", templates),
    ...secrets.map(({ name, content }) => ({
      path: `${CONFIG_DIRECTORY}/alertmanager/secrets/${name}`,
      content: new Secret(content),
      mode: "0400",
      owner: `${NOBODY}:${NOBODY}`,
    })),
  ];
}

function grafanaFiles(config: MonitoringConfig): NodeFile[] {
  const prometheus = `http://${hostPort(loopbackOr(config.listenAddress), config.ports.prometheus)}`;
  const password: NodeFile[] = config.grafanaPassword
    ? [
        {
          path: `${CONFIG_DIRECTORY}/grafana/secrets/admin-password`,
          content: config.grafanaPassword,
          mode: "0400",
          owner: `${GRAFANA}:0`,
        },
      ]
    : [];
  return [
    plain("grafana/provisioning/datasources/racksmith.yaml", datasourceFile(prometheus)),
    plain("grafana/provisioning/dashboards/racksmith.yaml", dashboardProviderFile()),
    ...dashboards.map((dashboard) =>
      plain(`grafana/dashboards/${dashboard.uid}.json`, dashboardFile(dashboard)),
    ),
    ...password,
  ];
}

function plain(path: string, content: string): NodeFile {
  return file(`${CONFIG_DIRECTORY}/${path}`, content);
}

function file(path: string, content: string, mode = "0644"): NodeFile {
  return { path, content, mode, owner: "root:root" };
}

function read(name: string): string {
  return readFileSync(new URL(`node/${name}`, import.meta.url), "utf8");
}
