/** A series of promtool: name with labels → values in its own notation, one a minute. */
export type Series = Record<string, string>;

/** When one alert fires and when it must not, at minute `at`. */
export interface RuleCase {
  alert: string;
  at: number;
  fires: Series;
  /** Labels of the alert beside alertname, alertstate and severity. */
  labels: Record<string, string>;
  quiet: Series;
  /** What a person reads, where the template does arithmetic. */
  summary?: string;
}

const gpu = '{host="a",gpu="0"}';
const onGpu = { host: "a", gpu: "0" };
const waiting = { 'vllm:num_requests_waiting{host="a"}': "3x60" };
const idle = { 'vllm:num_requests_waiting{host="a"}': "0x60" };
const vram = (usedMiB: number) => ({
  [`DCGM_FI_DEV_FB_USED${gpu}`]: `${usedMiB}x60`,
  [`DCGM_FI_DEV_FB_FREE${gpu}`]: `${24_564 - usedMiB}x60`,
});
const interToken = (fast: number, slow: number) => ({
  'vllm:inter_token_latency_seconds_bucket{host="a",le="0.05"}': `0+${fast}x60`,
  'vllm:inter_token_latency_seconds_bucket{host="a",le="0.2"}': `0+${fast + slow}x60`,
  'vllm:inter_token_latency_seconds_bucket{host="a",le="+Inf"}': `0+${fast + slow}x60`,
});
const xid = (code: number) => ({ [`DCGM_FI_DEV_XID_ERRORS${gpu}`]: `0x5 ${code}x20` });
const disk = (free: number) => ({
  'node_filesystem_avail_bytes{host="a",mountpoint="/",fstype="ext4"}': `${free}x60`,
  'node_filesystem_size_bytes{host="a",mountpoint="/",fstype="ext4"}': "100x60",
});

export const ruleCases: readonly RuleCase[] = [
  {
    alert: "VramAboveLimit",
    at: 8,
    fires: vram(21_500),
    labels: onGpu,
    quiet: vram(20_800),
    summary: "a GPU 0 has used 88 % of its video memory (limit 85 %)",
  },
  {
    alert: "VramUnderused",
    at: 40,
    fires: { ...vram(15_000), ...waiting },
    labels: onGpu,
    quiet: { ...vram(15_000), ...idle },
  },
  {
    alert: "InterTokenLatencyAboveTarget",
    at: 20,
    fires: interToken(90, 10),
    labels: { host: "a" },
    quiet: interToken(1000, 0),
    summary: "a: P99 between two tokens is 185 ms (target 100 ms)",
  },
  {
    alert: "ThroughputBelowTarget",
    at: 30,
    fires: {
      'vllm:request_success_total{host="a"}': "0+600x60",
      [`DCGM_FI_DEV_GPU_TEMP${gpu}`]: "60x60",
      ...waiting,
    },
    labels: { host: "a" },
    quiet: {
      'vllm:request_success_total{host="a"}': "0+3000x60",
      [`DCGM_FI_DEV_GPU_TEMP${gpu}`]: "60x60",
      ...waiting,
    },
    summary: "a answers 10.0 requests/s a GPU while others wait (target 45, meant for short INT8 requests)",
  },
  {
    alert: "SmActivityBelowTarget",
    at: 30,
    fires: { [`DCGM_FI_PROF_SM_ACTIVE${gpu}`]: "0.5x60", ...waiting },
    labels: onGpu,
    quiet: { [`DCGM_FI_PROF_SM_ACTIVE${gpu}`]: "0.5x60", ...idle },
  },
  { alert: "GpuXidCritical", at: 10, fires: xid(79), labels: onGpu, quiet: xid(31) },
  { alert: "GpuXidWarning", at: 10, fires: xid(63), labels: onGpu, quiet: xid(13) },
  {
    alert: "GpuHot",
    at: 10,
    fires: { [`DCGM_FI_DEV_GPU_TEMP${gpu}`]: "85x20" },
    labels: onGpu,
    quiet: { [`DCGM_FI_DEV_GPU_TEMP${gpu}`]: "84x20" },
    summary: "a GPU 0 is at 85 °C (limit 85)",
  },
  {
    alert: "DriverNotLoaded",
    at: 15,
    fires: { 'racksmith_driver_mismatch{host="a"}': "1x20" },
    labels: { host: "a" },
    quiet: { 'racksmith_driver_mismatch{host="a"}': "0x20" },
  },
  {
    alert: "EngineGeneratesNothing",
    at: 15,
    fires: {
      'vllm:generation_tokens_total{host="a"}': "500x20",
      'vllm:num_requests_running{host="a"}': "2x20",
    },
    labels: { host: "a" },
    quiet: {
      'vllm:generation_tokens_total{host="a"}': "500x20",
      'vllm:num_requests_running{host="a"}': "0x20",
    },
  },
  {
    alert: "EngineDown",
    at: 10,
    fires: { 'up{host="a",job="engine"}': "0x20" },
    labels: { host: "a", job: "engine" },
    quiet: { 'up{host="a",job="engine"}': "0x3 1x20" },
  },
  {
    alert: "GatewayErrors",
    at: 15,
    fires: {
      'haproxy_backend_http_responses_total{host="a",code="5xx"}': "0+10x20",
      'haproxy_backend_http_responses_total{host="a",code="2xx"}': "0+90x20",
    },
    labels: { host: "a" },
    quiet: {
      'haproxy_backend_http_responses_total{host="a",code="5xx"}': "0+1x20",
      'haproxy_backend_http_responses_total{host="a",code="2xx"}': "0+99x20",
    },
  },
  {
    alert: "ArrayDegraded",
    at: 5,
    fires: { 'racksmith_array_missing_disks{host="a",array="md127"}': "1x20" },
    labels: { host: "a", array: "md127" },
    quiet: { 'racksmith_array_missing_disks{host="a",array="md127"}': "0x20" },
    summary: "a: array md127 lacks 1 disk(s)",
  },
  {
    alert: "VaultClosed",
    at: 10,
    fires: { 'racksmith_vault_mounted{host="a"}': "0x20" },
    labels: { host: "a" },
    quiet: { 'racksmith_vault_mounted{host="a"}': "0x3 1x20" },
  },
  {
    alert: "DiskAlmostFull",
    at: 15,
    fires: disk(9),
    labels: { host: "a", mountpoint: "/", fstype: "ext4" },
    quiet: disk(11),
    summary: "a: / has 9 % left (limit 10 %)",
  },
  {
    alert: "ExporterDown",
    at: 10,
    fires: { 'up{host="a",job="gpu"}': "0x20" },
    labels: { host: "a", job: "gpu" },
    quiet: { 'up{host="a",job="gpu"}': "1x20" },
  },
  {
    alert: "HostFactsStale",
    at: 25,
    fires: { 'node_textfile_mtime_seconds{host="a",file="/host/racksmith.prom"}': "0x30" },
    labels: { host: "a", file: "/host/racksmith.prom" },
    quiet: { 'node_textfile_mtime_seconds{host="a",file="/host/racksmith.prom"}': "0+60x30" },
  },
];
