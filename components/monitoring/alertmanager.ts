import { stringify } from "yaml";
import type { MonitoringConfig, Receiver } from "../../config/monitoring.ts";

/** A file beside alertmanager.yml that only Alertmanager may read. */
export interface SecretFile {
  name: string;
  content: string;
}

/** alertmanager.yml, the message templates and the files with URLs and keys. */
export interface AlertmanagerFiles {
  config: string;
  templates: string;
  secrets: SecretFile[];
}

const DIRECTORY = "/etc/alertmanager";

/** Alertmanager of one host: one receiver that tells everyone in `receivers`. */
export function alertmanagerFiles({ receivers }: Pick<MonitoringConfig, "receivers">): AlertmanagerFiles {
  const parts = receivers.map(receiverPart);
  const integrations = parts.reduce<Record<string, object[]>>((all, { key, entry }) => {
    const list = all[key] ?? [];
    all[key] = [...list, entry];
    return all;
  }, {});
  const file = {
    route: {
      receiver: "everyone",
      group_by: ["alertname", "host"],
      group_wait: "30s",
      group_interval: "5m",
      repeat_interval: "4h",
      // Notes are for the dashboards; nobody is woken by them.
      routes: [{ matchers: ['severity="info"'], receiver: "nobody" }],
    },
    inhibit_rules: [
      {
        source_matchers: ['alertname="VaultClosed"'],
        target_matchers: ['alertname=~"EngineDown|EngineGeneratesNothing|GatewayErrors"'],
        equal: ["host"],
      },
    ],
    receivers: [{ name: "everyone", ...integrations }, { name: "nobody" }],
    templates: [`${DIRECTORY}/racksmith.tmpl`],
  };
  return {
    config: stringify(file, { lineWidth: 0, aliasDuplicateObjects: false }),
    templates: messageTemplates,
    secrets: parts.map(({ secret }) => secret),
  };
}

interface ReceiverPart {
  key: string;
  entry: object;
  secret: SecretFile;
}

function receiverPart(receiver: Receiver, index: number): ReceiverPart {
  const name = `receiver-${index}`;
  const path = `${DIRECTORY}/secrets/${name}`;
  if (receiver.kind === "wecom-app") {
    const entry = {
      send_resolved: true,
      api_url: receiver.apiUrl,
      corp_id: receiver.corpId,
      agent_id: receiver.agentId,
      to_user: receiver.toUser,
      api_secret_file: path,
      message: text,
    };
    return { key: "wechat_configs", entry, secret: { name, content: receiver.apiSecret.reveal() } };
  }
  const payload = robotBody(receiver.kind);
  const entry = { send_resolved: true, url_file: path, ...(payload && { payload }) };
  return { key: "webhook_configs", entry, secret: { name, content: receiver.url.reveal() } };
}

const text = '{{ template "racksmith.text" . }}';

/** The bodies that group robots understand. Written by Alertmanager 0.32 and later. */
function robotBody(kind: Exclude<Receiver["kind"], "wecom-app">): object | undefined {
  switch (kind) {
    case "dingtalk":
      return { msgtype: "text", text: { content: text } };
    case "wecom-robot":
      return { msgtype: "text", text: { content: text } };
    case "feishu":
      return { msg_type: "text", content: { text } };
    case "webhook":
      return undefined;
  }
}

/**
 * The text starts with "[racksmith] " for two reasons: it is the keyword that robots can be told to ask for, and it
 * keeps Alertmanager up to 0.33 from reading the text as YAML (prometheus/alertmanager#5302), since no YAML begins so.
 */
const messageTemplates = `{{ define "racksmith.text" -}}
[racksmith] {{ .Status | toUpper }} {{ .CommonLabels.alertname }} ({{ len .Alerts }})
{{ range .Alerts }}
{{ .Status | toUpper }} {{ .Labels.severity }}: {{ .Annotations.summary }}
{{ if eq .Status "firing" }}{{ .Annotations.action }}
{{ end }}{{ end }}{{- end }}
`;
