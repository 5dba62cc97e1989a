import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { alertmanagerFiles } from "../../components/monitoring/alertmanager.ts";
import { monitoringContainers } from "../../components/monitoring/containers.ts";
import { dashboardFile, dashboards } from "../../components/monitoring/dashboards.ts";
import { monitoringFiles } from "../../components/monitoring/files.ts";
import { prometheusFile } from "../../components/monitoring/prometheus.ts";
import { recordings } from "../../components/monitoring/rules.ts";
import { monitoringConfig } from "../../config/monitoring.ts";

const canary = "canary-3f9a";
const config = monitoringConfig.parse({
  receivers: [
    { kind: "webhook", url: `https://alerts.example/${canary}` },
    { kind: "wecom-app", corpId: "ww1", agentId: "1000002", apiSecret: canary },
  ],
});
const targets = { host: "gpu-1", stack: "prod", enginePort: 18_000, gatewayMetricsPort: 18_001 };
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-monitoring-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, content: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

test("promtool accepts prometheus.yml", () => {
  put("rules.yml", "groups: []\n");
  const text = prometheusFile(config, targets).replace("/etc/prometheus/", `${folder}/`);
  const output = execFileSync("promtool", ["check", "config", put("prometheus.yml", text)], {
    encoding: "utf8",
  });
  expect(output).toContain("is valid prometheus config file syntax");
  expect(text).toContain("127.0.0.1:18000");
});

test("amtool accepts alertmanager.yml and its template, and no secret is in either", () => {
  const files = alertmanagerFiles(config);
  for (const { name, content } of files.secrets) put(`secrets/${name}`, content);
  put("racksmith.tmpl", files.templates);
  const text = files.config.replaceAll("/etc/alertmanager/", `${folder}/`);
  // The distribution's amtool is older than secrets in files: it checks all the rest.
  expect(text).toContain(`url_file: ${folder}/secrets/receiver-0`);
  expect(text).toContain(`api_secret_file: ${folder}/secrets/receiver-1`);
  const known = text
    .replace(/url_file: .*/, "url: http://x.example/")
    .replace(/api_secret_file: .*/, "api_secret: x");
  const output = execFileSync("amtool", ["check-config", put("alertmanager.yml", known)], {
    encoding: "utf8",
  });
  expect(output).toContain("SUCCESS");
  expect(output).toContain("1 templates");
  expect(files.config + files.templates).not.toContain(canary);
});

test("robots get bodies of their own, which start with the keyword and cannot be taken for YAML", () => {
  const robots = monitoringConfig.parse({
    receivers: (["dingtalk", "feishu", "wecom-robot"] as const).map((kind) => ({
      kind,
      url: "https://robot.example/x",
    })),
  });
  const files = alertmanagerFiles(robots);
  const [everyone] = (parse(files.config) as { receivers: { webhook_configs: { payload: object }[] }[] })
    .receivers;
  expect(everyone?.webhook_configs.map(({ payload }) => payload)).toEqual([
    { msgtype: "text", text: { content: '{{ template "racksmith.text" . }}' } },
    { msg_type: "text", content: { text: '{{ template "racksmith.text" . }}' } },
    { msgtype: "text", text: { content: '{{ template "racksmith.text" . }}' } },
  ]);
  expect(files.templates).toMatch(/^\{\{ define "racksmith\.text" -\}\}\n\[racksmith\] /);
  expect(() => parse("[racksmith] FIRING GpuHot (1)\nkey: value")).toThrow();
});

test("receivers' URLs are files that only Alertmanager may read", () => {
  const secret = monitoringFiles(config, targets)
    .flatMap(({ files }) => files)
    .filter(({ path }) => path.includes("/secrets/"));
  expect(secret).toHaveLength(2);
  for (const file of secret) {
    expect(file).toMatchObject({ mode: "0400", owner: "65534", group: "65534" });
    expect(JSON.stringify(file)).not.toContain(canary);
  }
});

describe("containers", () => {
  const grafana = `grafana/grafana@sha256:${"a".repeat(64)}`;
  const all = monitoringContainers(monitoringConfig.parse({ images: { grafana } }), { profiling: false });

  test.each(all)("$name listens on loopback only and is pinned by digest", (container) => {
    expect(container.image).toMatch(/@sha256:[0-9a-f]{64}$/);
    expect([...container.command, ...(container.environment ?? [])].join(" ")).toContain("127.0.0.1");
    for (const mount of container.mounts) expect(mount.readOnly || mount.type === "volume").toBe(true);
  });

  test("only the GPU exporter runs as root, and holds SYS_ADMIN only where SM activity can be counted", () => {
    expect(all.filter(({ user }) => user.startsWith("0:")).map(({ name }) => name)).toEqual([
      "racksmith-gpu-exporter",
    ]);
    expect(all.flatMap(({ capabilities }) => capabilities)).toEqual([]);
    const profiled = monitoringContainers(config, { profiling: true });
    expect(profiled.flatMap(({ capabilities }) => capabilities)).toEqual(["CAP_SYS_ADMIN"]);
  });

  test("Grafana only runs when its image is given", () => {
    expect(monitoringContainers(config, { profiling: false }).map(({ name }) => name)).not.toContain(
      "racksmith-grafana",
    );
    expect(all.map(({ name }) => name)).toContain("racksmith-grafana");
  });
});

test("every recorded series that a dashboard shows exists", () => {
  const recorded = recordings.map(({ record }) => record);
  const shown = dashboards.flatMap(({ panels }) =>
    panels.flatMap(({ series }) => series.map(([, expr]) => expr)),
  );
  for (const expr of shown.filter((text) => text.startsWith("racksmith:"))) expect(recorded).toContain(expr);
  for (const dashboard of dashboards)
    expect(JSON.parse(dashboardFile(dashboard))).toMatchObject({ uid: dashboard.uid });
});

describe("machine-facts", () => {
  const script = new URL("../../components/monitoring/node/machine-facts", import.meta.url).pathname;

  function run(root: string): string {
    const output = join(root, "out.prom");
    execFileSync(script, [output, root]);
    return readFileSync(output, "utf8");
  }

  test("says what is wrong with array, vault and driver", () => {
    put("bad/sys/block/md127/md/degraded", "1\n");
    put("bad/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n");
    put("bad/sys/module/nvidia/version", "580.95.05\n");
    put("bad/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.173.02", "");
    const text = run(join(folder, "bad"));
    expect(text).toContain('racksmith_array_missing_disks{array="md127"} 1');
    expect(text).toContain("racksmith_vault_mounted 0");
    expect(text).toContain("racksmith_driver_mismatch 1");
    expect(text).toContain('{loaded="580.95.05",installed="580.173.02"}');
    execFileSync("promtool", ["check", "metrics"], { input: text });
  });

  test("knows the packaged library and the rack's simulated kernel", () => {
    put("sim/proc/self/mounts", "");
    put("sim/run/racksmith-sim/loaded", "580.173.02\nopen\n");
    put(
      "sim/var/lib/dpkg/status",
      "Package: libnvidia-ml1\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2:595.71.05-1\nMaintainer: x\nDescription: x\n",
    );
    const text = run(join(folder, "sim"));
    expect(text).toContain('{loaded="580.173.02",installed="595.71.05"}');
    expect(text).toContain("racksmith_driver_mismatch 1");
  });

  test("says when all is well, and nothing of a driver where there is none", () => {
    put("good/sys/block/md127/md/degraded", "0\n");
    put("good/proc/self/mounts", "/dev/mapper/racksmith-vault /srv/racksmith/vault xfs rw 0 0\n");
    const text = run(join(folder, "good"));
    expect(text).toContain('{array="md127"} 0');
    expect(text).toContain("racksmith_vault_mounted 1");
    expect(text).not.toContain("driver");
  });
});
