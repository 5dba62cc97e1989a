#!/usr/local/bin/node
/**
 * dcgm-exporter: SIMULATED. DCGM's metric names on :9400/metrics, from the same state as the node's simulated nvidia-smi
 * (rack/nvidia/files/lib/gpu.sh), which CDI mounts at /run/racksmith-sim. Takes dcgm-exporter's flags for the
 * address and the counters.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { hostname } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const STATE = process.env.RACKSMITH_SIM_STATE ?? "/run/racksmith-sim";

const { values } = parseArgs({
  options: {
    address: { type: "string", short: "a", default: process.env.DCGM_EXPORTER_LISTEN ?? ":9400" },
    collectors: { type: "string", short: "f", default: process.env.DCGM_EXPORTER_COLLECTORS ?? "" },
    kubernetes: { type: "string" },
    "collect-interval": { type: "string", short: "c" },
  },
});

type Read = (key: string, fallback: string) => string;
interface Metric {
  type: "gauge" | "counter";
  help: string;
  value(read: Read): number;
}
const number =
  (key: string, fallback = "0") =>
  (read: Read) =>
    Number(read(key, fallback));
const reserved = 600;
const used = (read: Read): number => Number(read("memory_used_mib", "1"));

/** Every field that the simulation can answer; without a counters file, all of them. */
const METRICS: Readonly<Record<string, Metric>> = {
  DCGM_FI_DEV_SM_CLOCK: {
    type: "gauge",
    help: "SM clock frequency (in MHz).",
    value: number("clock", "210"),
  },
  DCGM_FI_DEV_MEM_CLOCK: { type: "gauge", help: "Memory clock frequency (in MHz).", value: () => 405 },
  DCGM_FI_DEV_GPU_TEMP: {
    type: "gauge",
    help: "GPU temperature (in C).",
    value: number("temperature", "34"),
  },
  DCGM_FI_DEV_POWER_USAGE: { type: "gauge", help: "Power draw (in W).", value: number("power_draw", "21.5") },
  DCGM_FI_DEV_POWER_MGMT_LIMIT: {
    type: "gauge",
    help: "Power limit (in W).",
    value: (read) => Number(read("power_limit", read("powerLimitWatts", "0"))),
  },
  DCGM_FI_DEV_GPU_UTIL: { type: "gauge", help: "GPU utilization (in %).", value: number("utilization") },
  DCGM_FI_DEV_MEM_COPY_UTIL: {
    type: "gauge",
    help: "Memory utilization (in %).",
    value: number("utilization_memory"),
  },
  DCGM_FI_DEV_XID_ERRORS: {
    type: "gauge",
    help: "Value of the last XID error encountered.",
    value: number("xid"),
  },
  DCGM_FI_DEV_FB_FREE: {
    type: "gauge",
    help: "Framebuffer memory free (in MiB).",
    value: (read) => Math.max(0, Number(read("memoryMiB", "0")) - reserved - used(read)),
  },
  DCGM_FI_DEV_FB_USED: { type: "gauge", help: "Framebuffer memory used (in MiB).", value: used },
  DCGM_FI_DEV_FB_RESERVED: {
    type: "gauge",
    help: "Framebuffer memory reserved (in MiB).",
    value: () => reserved,
  },
  DCGM_FI_DEV_ECC_DBE_VOL_TOTAL: {
    type: "counter",
    help: "Total number of double-bit volatile ECC errors.",
    value: number("ecc_dbe"),
  },
  DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS: {
    type: "counter",
    help: "Number of remapped rows for uncorrectable errors",
    value: number("remapped_rows"),
  },
  DCGM_FI_DEV_ROW_REMAP_FAILURE: {
    type: "gauge",
    help: "Whether remapping of rows has failed",
    value: number("remap_failure"),
  },
  DCGM_FI_PROF_SM_ACTIVE: {
    type: "gauge",
    help: "The ratio of cycles an SM has at least 1 warp assigned.",
    value: (read) => Number(read("utilization", "0")) / 100,
  },
};

/** Names in the first column of dcgm-exporter's CSV; lines starting with # are comments. */
function wantedFields(): string[] {
  if (values.collectors === "") return Object.keys(METRICS);
  const lines = readFileSync(values.collectors, "utf8").split("\n");
  return lines.map((line) => line.split(",")[0]?.trim() ?? "").filter((name) => name.startsWith("DCGM_"));
}

function readState(path: string): string | undefined {
  try {
    return readFileSync(join(STATE, path), "utf8").split("\n")[0];
  } catch {
    return undefined;
  }
}

function gpuNumbers(): string[] {
  try {
    return readdirSync(join(STATE, "gpu")).sort((a, b) => Number(a) - Number(b));
  } catch {
    return [];
  }
}

function render(fields: readonly string[]): string {
  const driver = readState("loaded");
  // Without a driver the real exporter has nothing to say either.
  const gpus = driver === undefined ? [] : gpuNumbers();
  const lines: string[] = [];
  for (const field of fields) {
    const metric = METRICS[field];
    if (metric === undefined || gpus.length === 0) continue;
    lines.push(`# HELP ${field} SIMULATED: ${metric.help}`, `# TYPE ${field} ${metric.type}`);
    for (const gpu of gpus) {
      const read: Read = (key, fallback) => readState(`gpu/${gpu}/${key}`) ?? fallback;
      const labels = Object.entries({
        gpu,
        UUID: read("uuid", ""),
        pci_bus_id: read("pciBusId", ""),
        device: `nvidia${gpu}`,
        modelName: read("name", ""),
        Hostname: hostname(),
        DCGM_FI_DRIVER_VERSION: driver ?? "",
      }).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      lines.push(`${field}{${labels.join(",")}} ${metric.value(read)}`);
    }
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

const fields = wantedFields();
const address = /^\[?(.*?)\]?:(\d+)$/.exec(values.address);
if (address === null) {
  process.stderr.write(`dcgm-exporter (SIMULATED): --address ${values.address}: wanted HOST:PORT\n`);
  process.exit(1);
}
const server = createServer((request, response) => {
  if (request.url === "/health") response.end("OK");
  else if (request.url === "/metrics") {
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4" });
    response.end(render(fields));
  } else response.writeHead(404).end();
});
server.listen(Number(address[2]), address[1] === "" ? undefined : address[1], () =>
  process.stdout.write(`dcgm-exporter (SIMULATED) listening on ${values.address}\n`),
);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(0));
