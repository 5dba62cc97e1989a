import { z } from "zod";
import { httpUrl, imageReference, listenAddress, portNumber, promDuration } from "./common.ts";
import { secretText } from "./secret.ts";

const image = imageReference.optional();

const webhookUrl = secretText.describe(
  "the robot's or receiver's URL; it carries a token, so it is kept as a secret",
);

/**
 * Where alerts go. DingTalk, Feishu and WeCom group robots understand only bodies of their own, which
 * Alertmanager writes from 0.32 on (prometheus/alertmanager#5011). It cannot sign requests: protect a robot by
 * the keyword "racksmith" or by address, not by signature. A robot answers 200 even when it refuses a message,
 * so a wrong keyword is seen in the group, not in Alertmanager.
 */
const receiver = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("dingtalk").describe("robot of a DingTalk group"), url: webhookUrl }),
  z.strictObject({ kind: z.literal("feishu").describe("robot of a Feishu group"), url: webhookUrl }),
  z.strictObject({ kind: z.literal("wecom-robot").describe("robot of a WeCom group"), url: webhookUrl }),
  z.strictObject({
    kind: z.literal("wecom-app").describe("WeCom application message, for every Alertmanager version"),
    corpId: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be the corporation id")
      .describe("the corporation's id"),
    agentId: z
      .string()
      .regex(/^[0-9]{1,20}$/, "must be the application's number")
      .describe("the application's number"),
    apiSecret: secretText.describe("the application's secret"),
    toUser: z
      .string()
      .regex(/^[A-Za-z0-9_@.|-]{1,512}$/, "must be user ids joined by |, or @all")
      .default("@all")
      .describe("user ids joined by |"),
    apiUrl: httpUrl.default("https://qyapi.weixin.qq.com/cgi-bin/").describe("WeCom's API, or a relay to it"),
  }),
  z.strictObject({
    kind: z.literal("webhook").describe("any receiver of Alertmanager's own JSON"),
    url: webhookUrl,
  }),
]);

const exporterPorts = z.strictObject({
  prometheus: portNumber.default(9090).describe("Prometheus"),
  alertmanager: portNumber.default(9093).describe("Alertmanager"),
  node: portNumber.default(9100).describe("node exporter"),
  gpu: portNumber.default(9400).describe("DCGM exporter"),
  grafana: portNumber.default(3000).describe("Grafana"),
});

/** Prometheus, Alertmanager and the exporters, as containers on the host. */
export const monitoringConfig = z.strictObject({
  enabled: z.boolean().default(true).describe("run it at all"),
  listenAddress: listenAddress
    .default("127.0.0.1")
    .describe("address of every monitoring port; none of them asks for a password, so keep it on loopback"),
  ports: exporterPorts.prefault({}).describe("port of each service, on listenAddress"),
  retention: promDuration.default("30d").describe("how long Prometheus keeps samples"),
  retentionSizeGB: z
    .int()
    .min(1)
    .max(100_000)
    .default(20)
    .describe("and at most this much of the disk, in GB"),
  scrapeIntervalSeconds: z.int().min(5).max(300).default(15).describe("how often Prometheus measures"),
  images: z
    .strictObject({
      prometheus: image.describe("Prometheus, by digest; unset: a default"),
      alertmanager: image.describe("Alertmanager, by digest; unset: a default"),
      nodeExporter: image.describe("node exporter, by digest; unset: a default"),
      gpuExporter: image.describe("DCGM exporter; only run where there is a GPU driver"),
      grafana: image.describe("no default: Grafana is run only when this is given"),
    })
    .prefault({})
    .describe("images of the containers, by digest"),
  gpuExporter: z.boolean().default(true).describe("run the DCGM exporter"),
  receivers: z.array(receiver).max(10).default([]).describe("where alerts go; none: they are only shown"),
  thresholds: z
    .strictObject({
      vramPercent: z.number().min(1).max(100).default(85).describe("alert above this share of video memory"),
      gpuCelsius: z.number().min(40).max(110).default(85).describe("alert at this temperature"),
      diskFreePercent: z.number().min(1).max(90).default(10).describe("alert below this share of free space"),
      interTokenP99Milliseconds: z
        .number()
        .min(1)
        .max(60_000)
        .default(100)
        .describe("alert above this time between two tokens, 99th percentile"),
      requestsPerSecondPerGpu: z
        .number()
        .min(0)
        .max(10_000)
        .default(45)
        .describe("note below this while requests wait"),
      smActivePercent: z
        .number()
        .min(0)
        .max(100)
        .default(90)
        .describe("note below this while requests wait; GeForce cards do not report it"),
    })
    .prefault({})
    .describe("figures of the alerts"),
  grafanaPassword: secretText
    .optional()
    .describe("password of Grafana's admin; needed when its image is given"),
});

export type MonitoringConfig = z.output<typeof monitoringConfig>;
export type Receiver = MonitoringConfig["receivers"][number];
