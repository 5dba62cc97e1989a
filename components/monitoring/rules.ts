import { stringify } from "yaml";
import type { MonitoringConfig } from "../../config/monitoring.ts";

export type Thresholds = MonitoringConfig["thresholds"];
export type Severity = "critical" | "warning" | "info";

/** One alert: what PromQL must say, for how long, and what a person should do then. */
export interface AlertRule {
  alert: string;
  expr: string;
  for: string;
  severity: Severity;
  summary: string;
  action: string;
}

interface RecordingRule {
  record: string;
  expr: string;
}

/** Used over usable video memory, in percent. DCGM counts in MiB; what the driver reserves is in neither number. */
const vramPercent = "100 * DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)";

/** Series that the alerts and the dashboards share. vLLM's names first, llama.cpp's after `or`. */
export const recordings: readonly RecordingRule[] = [
  { record: "racksmith:vram_used:percent", expr: vramPercent },
  {
    record: "racksmith:tokens_generated:rate5m",
    expr: "sum by (host) (rate(vllm:generation_tokens_total[5m])) or sum by (host) (rate(llamacpp:tokens_predicted_total[5m]))",
  },
  {
    record: "racksmith:requests_running",
    expr: "sum by (host) (vllm:num_requests_running) or sum by (host) (llamacpp:requests_processing)",
  },
  {
    record: "racksmith:requests_waiting",
    expr: "sum by (host) (vllm:num_requests_waiting) or sum by (host) (llamacpp:requests_deferred)",
  },
  {
    record: "racksmith:inter_token_seconds:p99",
    expr: "histogram_quantile(0.99, sum by (host, le) (rate(vllm:inter_token_latency_seconds_bucket[5m])))",
  },
  {
    record: "racksmith:first_token_seconds:p99",
    expr: "histogram_quantile(0.99, sum by (host, le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))",
  },
  {
    record: "racksmith:requests_per_gpu:rate5m",
    expr: "sum by (host) (rate(vllm:request_success_total[5m])) / on (host) count by (host) (DCGM_FI_DEV_GPU_TEMP)",
  },
];

/** What is watched on every host. */
export function alertRules(t: Thresholds): AlertRule[] {
  return [...kpiRules(t), ...gpuRules(t), ...engineRules(), ...hostRules(t)];
}

/**
 * The KPIs of the source articles (B: P99 < 100 ms, > 45 requests/s/GPU with INT8, VRAM 75-85 %, SM activity > 90 %;
 * E: alert at 85 % VRAM). B does not say what the 100 ms are of: whole answers take seconds, so the time between two
 * tokens is what is held against it. The two throughput KPIs are notes and speak only while requests queue, since
 * an idle server misses them without anything being wrong.
 */
function kpiRules(t: Thresholds): AlertRule[] {
  return [
    {
      alert: "VramAboveLimit",
      expr: `racksmith:vram_used:percent > ${t.vramPercent}`,
      for: "5m",
      severity: "warning",
      summary: `{{ $labels.host }} GPU {{ $labels.gpu }} has used {{ $value | printf "%.0f" }} % of its video memory (limit ${t.vramPercent} %)`,
      action:
        "Lower inference.settings.gpuMemoryUtilization or maxSequences; look for a second process in nvidia-smi.",
    },
    {
      alert: "VramUnderused",
      expr: "racksmith:vram_used:percent < 75 and on (host) racksmith:requests_waiting > 0",
      for: "30m",
      severity: "info",
      summary: `{{ $labels.host }} GPU {{ $labels.gpu }} uses {{ $value | printf "%.0f" }} % of its video memory while requests wait`,
      action: "Raise gpuMemoryUtilization towards 0.85: the cache for running requests grows with it.",
    },
    {
      alert: "InterTokenLatencyAboveTarget",
      expr: `1000 * racksmith:inter_token_seconds:p99 > ${t.interTokenP99Milliseconds}`,
      for: "10m",
      severity: "warning",
      summary: `{{ $labels.host }}: P99 between two tokens is {{ $value | printf "%.0f" }} ms (target ${t.interTokenP99Milliseconds} ms)`,
      action: "Lower maxSequences, or add a host: more requests at once make each one slower.",
    },
    {
      alert: "ThroughputBelowTarget",
      expr: `racksmith:requests_per_gpu:rate5m < ${t.requestsPerSecondPerGpu} and on (host) racksmith:requests_waiting > 0`,
      for: "15m",
      severity: "info",
      summary: `{{ $labels.host }} answers {{ $value | printf "%.1f" }} requests/s a GPU while others wait (target ${t.requestsPerSecondPerGpu}, meant for short INT8 requests)`,
      action:
        "Compare the length of your requests with what the target was measured with before changing anything.",
    },
    {
      alert: "SmActivityBelowTarget",
      expr: `100 * DCGM_FI_PROF_SM_ACTIVE < ${t.smActivePercent} and on (host) racksmith:requests_waiting > 0`,
      for: "15m",
      severity: "info",
      summary: `{{ $labels.host }} GPU {{ $labels.gpu }}: SMs are {{ $value | printf "%.0f" }} % busy while requests wait`,
      action:
        "Look at batch sizes and at what the engine waits for. GeForce cards do not report this number.",
    },
  ];
}

/** Xids by what they ask for (NVIDIA's catalogue, as operators use it). DCGM shows the last one seen. */
const xids = { machine: [48, 64, 74, 79, 95, 119], watch: [63, 94, 154] } as const;

function gpuRules(t: Thresholds): AlertRule[] {
  const oneOf = (codes: readonly number[]) =>
    codes.map((code) => `DCGM_FI_DEV_XID_ERRORS == ${code}`).join(" or ");
  return [
    {
      alert: "GpuXidCritical",
      expr: oneOf(xids.machine),
      for: "0m",
      severity: "critical",
      summary: "{{ $labels.host }} GPU {{ $labels.gpu }} reported Xid {{ $value }}",
      action:
        "79: restart the machine. 48, 64, 95, 119: drain and reset the GPU, 64 or a recurrence is for RMA. 74: NVLink, reset, replace if it recurs.",
    },
    {
      alert: "GpuXidWarning",
      expr: oneOf(xids.watch),
      for: "0m",
      severity: "warning",
      summary: "{{ $labels.host }} GPU {{ $labels.gpu }} reported Xid {{ $value }}",
      action:
        "63: a row remapping is pending, restart when convenient. 94: restart the engine. 154: the kernel log says what to do.",
    },
    {
      alert: "GpuHot",
      expr: `DCGM_FI_DEV_GPU_TEMP >= ${t.gpuCelsius}`,
      for: "5m",
      severity: "warning",
      summary: `{{ $labels.host }} GPU {{ $labels.gpu }} is at {{ $value }} °C (limit ${t.gpuCelsius})`,
      action:
        "Check fans, filters and inlet temperature; clocks fall above this. A lower driver.powerLimitWatts helps.",
    },
    {
      alert: "DriverNotLoaded",
      expr: "racksmith_driver_mismatch == 1",
      for: "10m",
      severity: "critical",
      summary: "{{ $labels.host }} runs another GPU driver than is installed: new containers get no GPU",
      action:
        "Run `racksmith up`, which restarts the machine in the right order; do not restart containers before.",
    },
  ];
}

function engineRules(): AlertRule[] {
  return [
    {
      alert: "EngineGeneratesNothing",
      expr: "racksmith:tokens_generated:rate5m == 0 and on (host) racksmith:requests_running > 0",
      for: "5m",
      severity: "critical",
      summary: "{{ $labels.host }} has requests running and has generated no token for five minutes",
      action:
        "The engine is stuck although its health page may say otherwise. Keep its log, then restart its unit.",
    },
    {
      alert: "EngineDown",
      expr: 'up{job="engine"} == 0',
      for: "5m",
      severity: "critical",
      summary: "{{ $labels.host }}: the inference engine does not answer",
      action: "journalctl -u 'racksmith-inference-*'; is the vault open?",
    },
    {
      alert: "GatewayErrors",
      expr: 'sum by (host) (rate(haproxy_backend_http_responses_total{code="5xx"}[5m])) / sum by (host) (rate(haproxy_backend_http_responses_total[5m])) > 0.05',
      for: "5m",
      severity: "warning",
      summary: '{{ $labels.host }}: {{ $value | printf "%.2f" }} of the answers are server errors',
      action: "Read the engine's log; out-of-memory shows there first.",
    },
  ];
}

function hostRules(t: Thresholds): AlertRule[] {
  return [
    {
      alert: "ArrayDegraded",
      expr: "racksmith_array_missing_disks > 0",
      for: "1m",
      severity: "critical",
      summary: "{{ $labels.host }}: array {{ $labels.array }} lacks {{ $value }} disk(s)",
      action: "Replace the disk, put its serial into raid.members and run `racksmith up`.",
    },
    {
      alert: "VaultClosed",
      expr: "racksmith_vault_mounted == 0",
      for: "5m",
      severity: "critical",
      summary: "{{ $labels.host }}: the encrypted volume is not open and mounted",
      action: "`racksmith up` opens it; with unlock policy tpm2 look at the journal of systemd-cryptsetup.",
    },
    {
      alert: "DiskAlmostFull",
      expr: `100 * node_filesystem_avail_bytes{fstype=~"ext4|xfs|btrfs"} / node_filesystem_size_bytes < ${t.diskFreePercent}`,
      for: "10m",
      severity: "warning",
      summary: `{{ $labels.host }}: {{ $labels.mountpoint }} has {{ $value | printf "%.0f" }} % left (limit ${t.diskFreePercent} %)`,
      action: "Lower weights.keepVersions or monitoring.retention, or remove unused images.",
    },
    {
      alert: "ExporterDown",
      expr: 'up{job!="engine"} == 0',
      for: "5m",
      severity: "warning",
      summary: "{{ $labels.host }}: {{ $labels.job }} does not answer, so what it watches is not watched",
      action: "docker ps -a; docker logs of the container.",
    },
    {
      alert: "HostFactsStale",
      expr: 'time() - node_textfile_mtime_seconds{file=~".*racksmith.prom"} > 900',
      for: "5m",
      severity: "warning",
      summary: "{{ $labels.host }}: array, vault and driver state have not been written for fifteen minutes",
      action: "systemctl status machine-facts.timer machine-facts.service",
    },
  ];
}

/** The rules file of Prometheus. */
export function rulesFile(thresholds: Thresholds): string {
  const alerts = alertRules(thresholds).map((rule) => ({
    alert: rule.alert,
    expr: rule.expr,
    for: rule.for,
    labels: { severity: rule.severity },
    annotations: { summary: rule.summary, action: rule.action },
  }));
  const groups = [
    { name: "racksmith-series", rules: recordings },
    { name: "racksmith-alerts", rules: alerts },
  ];
  return stringify({ groups }, { lineWidth: 0, aliasDuplicateObjects: false });
}
