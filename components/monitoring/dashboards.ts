/** A panel of a dashboard: a title and the series in it, `[legend, expression]`. */
interface Panel {
  title: string;
  unit: string;
  series: readonly (readonly [legend: string, expr: string])[];
}

interface Dashboard {
  uid: string;
  title: string;
  panels: readonly Panel[];
}

const inference: Dashboard = {
  uid: "racksmith-inference",
  title: "racksmith: inference",
  panels: [
    {
      title: "Tokens generated per second",
      unit: "short",
      series: [["{{host}}", "racksmith:tokens_generated:rate5m"]],
    },
    {
      title: "Requests running and waiting",
      unit: "short",
      series: [
        ["{{host}} running", "racksmith:requests_running"],
        ["{{host}} waiting", "racksmith:requests_waiting"],
      ],
    },
    {
      title: "P99 between two tokens",
      unit: "s",
      series: [["{{host}}", "racksmith:inter_token_seconds:p99"]],
    },
    {
      title: "P99 to the first token",
      unit: "s",
      series: [["{{host}}", "racksmith:first_token_seconds:p99"]],
    },
    {
      title: "Requests per second and GPU",
      unit: "reqps",
      series: [["{{host}}", "racksmith:requests_per_gpu:rate5m"]],
    },
    {
      title: "Answers by status",
      unit: "reqps",
      series: [["{{host}} {{code}}", "sum by (host, code) (rate(haproxy_backend_http_responses_total[5m]))"]],
    },
  ],
};

const machine: Dashboard = {
  uid: "racksmith-machine",
  title: "racksmith: machines and GPUs",
  panels: [
    {
      title: "Video memory used",
      unit: "percent",
      series: [["{{host}} {{gpu}}", "racksmith:vram_used:percent"]],
    },
    { title: "SM activity", unit: "percentunit", series: [["{{host}} {{gpu}}", "DCGM_FI_PROF_SM_ACTIVE"]] },
    { title: "GPU temperature", unit: "celsius", series: [["{{host}} {{gpu}}", "DCGM_FI_DEV_GPU_TEMP"]] },
    { title: "GPU power", unit: "watt", series: [["{{host}} {{gpu}}", "DCGM_FI_DEV_POWER_USAGE"]] },
    { title: "Last Xid", unit: "none", series: [["{{host}} {{gpu}}", "DCGM_FI_DEV_XID_ERRORS"]] },
    {
      title: "Array, vault, driver (0 is well but for the vault, where 1 is)",
      unit: "none",
      series: [
        ["{{host}} {{array}} disks missing", "racksmith_array_missing_disks"],
        ["{{host}} vault mounted", "racksmith_vault_mounted"],
        ["{{host}} driver mismatch", "racksmith_driver_mismatch"],
      ],
    },
    {
      title: "Disk space left",
      unit: "percentunit",
      series: [
        [
          "{{host}} {{mountpoint}}",
          'node_filesystem_avail_bytes{fstype=~"ext4|xfs|btrfs"} / node_filesystem_size_bytes',
        ],
      ],
    },
    {
      title: "Memory left",
      unit: "bytes",
      series: [["{{host}}", "node_memory_MemAvailable_bytes"]],
    },
  ],
};

export const dashboards: readonly Dashboard[] = [inference, machine];

const SCHEMA_VERSION = 39;
const DATASOURCE = { type: "prometheus", uid: "racksmith" };
const [WIDTH, HEIGHT, COLUMNS] = [12, 8, 2];

/** A dashboard as Grafana's provisioning reads it. */
export function dashboardFile({ uid, title, panels }: Dashboard): string {
  const placed = panels.map((panel, index) => ({
    id: index + 1,
    type: "timeseries",
    title: panel.title,
    datasource: DATASOURCE,
    gridPos: { h: HEIGHT, w: WIDTH, x: (index % COLUMNS) * WIDTH, y: Math.floor(index / COLUMNS) * HEIGHT },
    fieldConfig: { defaults: { unit: panel.unit }, overrides: [] },
    targets: panel.series.map(([legend, expr], at) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + at),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
  }));
  const file = {
    uid,
    title,
    schemaVersion: SCHEMA_VERSION,
    editable: false,
    refresh: "30s",
    time: { from: "now-6h", to: "now" },
    timezone: "browser",
    panels: placed,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Where Grafana finds Prometheus. */
export function datasourceFile(prometheusUrl: string): string {
  const datasource = {
    name: "Prometheus",
    type: "prometheus",
    uid: "racksmith",
    access: "proxy",
    url: prometheusUrl,
    isDefault: true,
  };
  return `${JSON.stringify({ apiVersion: 1, datasources: [datasource] }, null, 2)}\n`;
}

/** Where Grafana finds the dashboards. */
export function dashboardProviderFile(): string {
  const provider = { name: "racksmith", type: "file", options: { path: "/var/lib/racksmith-dashboards" } };
  return `${JSON.stringify({ apiVersion: 1, providers: [provider] }, null, 2)}\n`;
}
