import { readFileSync } from "node:fs";
import type { z } from "zod";
import type { onChange } from "../../config/files.ts";
import type { MonitoringConfig } from "../../config/monitoring.ts";
import { Secret } from "../../config/secret.ts";
import { alertmanagerFiles } from "./alertmanager.ts";
import { CONFIG_DIRECTORY, GRAFANA, NOBODY } from "./containers.ts";
import { dashboardFile, dashboardProviderFile, dashboards, datasourceFile } from "./dashboards.ts";
import { hostPort, loopbackOr, prometheusFile, type ScrapeTargets } from "./prometheus.ts";
import { rulesFile } from "./rules.ts";

type Action = z.input<typeof onChange>;

/** A file on the host, and what to do when it changes. */
export interface NodeFile {
  path: string;
  content: string | Secret;
  mode: string;
  owner: string;
  group: string;
  onChange: Action[];
}

/** Files of one purpose. */
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
    ...(config.gpuExporter ? [{ name: "gpu-exporter", files: gpuExporterFiles() }] : []),
    ...(config.images.grafana === undefined ? [] : [{ name: "grafana", files: grafanaFiles(config) }]),
  ];
}

/** The script and timer that write array, vault and driver state for node exporter. */
function metricsFiles(): NodeFile[] {
  const units: Action[] = [{ kind: "daemon-reload" }, { kind: "restart", unit: "machine-facts.timer" }];
  return [
    file("/usr/local/lib/racksmith/machine-facts", read("machine-facts"), { mode: "0755" }),
    file("/etc/systemd/system/machine-facts.service", read("machine-facts.service"), { onChange: units }),
    file("/etc/systemd/system/machine-facts.timer", read("machine-facts.timer"), { onChange: units }),
    // A file cannot enable a unit; the target that starts all timers is told to want this one.
    file("/etc/systemd/system/timers.target.d/machine-facts.conf", "[Unit]\nWants=machine-facts.timer\n", {
      onChange: units,
    }),
  ];
}

/**
 * After a reboot Docker (26.1 at least) starts its containers before it knows CDI devices ("could not select device
 * driver cdi"), and does not try again: a unit starts this one once Docker is up.
 */
function gpuExporterFiles(): NodeFile[] {
  const onChange: Action[] = [{ kind: "daemon-reload" }];
  const unit = "gpu-exporter-start.service";
  return [
    plain("gpu-exporter/counters.csv", read("counters.csv")),
    file(`/etc/systemd/system/${unit}`, read(unit), { onChange }),
    file(`/etc/systemd/system/multi-user.target.d/gpu-exporter-start.conf`, `[Unit]\nWants=${unit}\n`, {
      onChange,
    }),
  ];
}

function prometheusFiles(config: MonitoringConfig, targets: ScrapeTargets): NodeFile[] {
  const onChange = reloads("racksmith-prometheus");
  return [
    plain("prometheus/prometheus.yml", prometheusFile(config, targets), onChange),
    plain("prometheus/rules.yml", rulesFile(config.thresholds), onChange),
  ];
}

function alertmanagerSet(config: MonitoringConfig): NodeFile[] {
  const { config: main, templates, secrets } = alertmanagerFiles(config);
  const onChange = reloads("racksmith-alertmanager");
  return [
    plain("alertmanager/alertmanager.yml", main, onChange),
    plain("alertmanager/racksmith.tmpl", templates, onChange),
    ...secrets.map(({ name, content }) =>
      secret(`alertmanager/secrets/${name}`, new Secret(content), NOBODY),
    ),
  ];
}

function grafanaFiles(config: MonitoringConfig): NodeFile[] {
  const prometheus = `http://${hostPort(loopbackOr(config.listenAddress), config.ports.prometheus)}`;
  const { grafanaPassword } = config;
  return [
    plain("grafana/provisioning/datasources/racksmith.yaml", datasourceFile(prometheus)),
    plain("grafana/provisioning/dashboards/racksmith.yaml", dashboardProviderFile()),
    ...dashboards.map((dashboard) =>
      plain(`grafana/dashboards/${dashboard.uid}.json`, dashboardFile(dashboard)),
    ),
    ...(grafanaPassword ? [secret("grafana/secrets/admin-password", grafanaPassword, GRAFANA)] : []),
  ];
}

/** Both programs read their configuration again on SIGHUP, and keep the old one where the new one is wrong. */
function reloads(container: string): Action[] {
  return [{ kind: "signal", container, signal: "HUP" }];
}

function plain(path: string, content: string, onChange: Action[] = []): NodeFile {
  return file(`${CONFIG_DIRECTORY}/${path}`, content, { onChange });
}

function secret(path: string, content: Secret, owner: number): NodeFile {
  const id = String(owner);
  return { path: `${CONFIG_DIRECTORY}/${path}`, content, mode: "0400", owner: id, group: id, onChange: [] };
}

function file(path: string, content: string, options: Partial<NodeFile>): NodeFile {
  return { path, content, mode: "0644", owner: "root", group: "root", onChange: [], ...options };
}

function read(name: string): string {
  return readFileSync(new URL(`node/${name}`, import.meta.url), "utf8");
}
