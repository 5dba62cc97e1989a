import { createHash } from "node:crypto";
import type { GatewaySettings } from "../../../config/inference.ts";
import { enginePort } from "./container.ts";

/** Where the gateway's files lie on the node. */
export const gatewayPaths = {
  config: "/etc/racksmith/gateway/haproxy.cfg",
  /** SHA-256 of each API key → its name. */
  keys: "/etc/racksmith/gateway/keys.map",
  /** The same for the key that the node's own health check uses; only taken from the node itself. */
  probe: "/etc/racksmith/gateway/probe.map",
  socket: "/run/racksmith-gateway/admin.sock",
};
export type GatewayPaths = typeof gatewayPaths;

const bodyText = (type: string, message: string) =>
  `'${JSON.stringify({ error: { message, type, code: null } })}'`;

/**
 * haproxy's configuration. Valid for haproxy 2.4 (Ubuntu 22.04) to 3.x (Debian 13).
 * The file holds no secret; keys are looked up by their SHA-256 in `paths.keys`.
 */
export function gatewayConfig(gateway: GatewaySettings, paths: GatewayPaths = gatewayPaths): string {
  return [
    "# Written by racksmith; changes are undone by the next `racksmith up`.",
    ...globalSection(),
    ...defaultsSection(gateway),
    ...publicSection(gateway, paths),
    ...engineSection(),
    ...metricsSection(gateway),
    ...adminSection(paths),
    "",
  ].join("\n");
}

/** The map haproxy looks keys up in: one `sha256 name` line a key, sorted by name. */
export function keysMap(keys: Readonly<Record<string, string>>): string {
  return Object.entries(keys)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, key]) => `${createHash("sha256").update(key).digest("hex")} ${name}\n`)
    .join("");
}

function globalSection(): string[] {
  return [
    "global",
    "  log stdout format raw local0 info",
    "  user haproxy",
    "  group haproxy",
    "  chroot /var/lib/haproxy",
    "  maxconn 4096",
    "  ssl-default-bind-options ssl-min-ver TLSv1.2",
  ];
}

function defaultsSection({ streamTimeoutSeconds }: GatewaySettings): string[] {
  const busy = bodyText("service_unavailable", "the engine is starting or stopping; try again");
  return [
    "defaults",
    "  mode http",
    "  log global",
    "  option dontlognull",
    "  option http-no-delay",
    // A request whose client has gone is ended: it frees its slot, and the health check's own does not look like work.
    "  option abortonclose",
    "  timeout connect 5s",
    "  timeout http-request 15s",
    "  timeout http-keep-alive 60s",
    "  timeout queue 30s",
    `  timeout client ${streamTimeoutSeconds}s`,
    `  timeout server ${streamTimeoutSeconds}s`,
    `  http-error status 503 content-type application/json string ${busy} hdr Retry-After 5`,
  ];
}

function publicSection(gateway: GatewaySettings, paths: GatewayPaths): string[] {
  const tls = gateway.tlsPemPath === undefined ? "" : ` ssl crt ${gateway.tlsPemPath} alpn http/1.1`;
  const posts = [
    "/v1/completions",
    "/v1/chat/completions",
    ...(gateway.embeddings ? ["/v1/embeddings"] : []),
  ];
  // A probe comes from the node: from loopback, or from the one address the gateway binds.
  const own = gateway.address === "0.0.0.0" ? "127.0.0.0/8" : `127.0.0.0/8 ${gateway.address}`;
  const refuse = (status: number, type: string, message: string, condition: string, header = "") =>
    `  http-request return status ${status} content-type application/json string ${bodyText(type, message)}${header} ${condition}`;
  return [
    "frontend public",
    `  bind ${gateway.address}:${gateway.port}${tls}`,
    '  log-format "%ci:%cp key=%[var(txn.who)] %HM %HP %ST %B bytes %Ta ms"',
    "  acl health path /health",
    "  acl listing path /v1/models",
    `  acl posting path ${posts.join(" ")}`,
    `  acl own src ${own}`,
    "  acl bearer req.fhdr(authorization) -m beg -i Bearer\\ ",
    "  http-request set-var(txn.hash) req.fhdr(authorization),word(2,\\ ),sha2(256),hex,lower if bearer",
    `  http-request set-var(txn.who) var(txn.hash),map_str(${paths.keys}) if bearer`,
    `  http-request set-var(txn.who) var(txn.hash),map_str(${paths.probe}) if bearer own !{ var(txn.who) -m found }`,
    "  http-request del-header authorization",
    refuse(
      401,
      "authentication_error",
      "missing or unknown API key",
      "if !health !{ var(txn.who) -m found }",
      " hdr WWW-Authenticate Bearer",
    ),
    refuse(404, "not_found_error", "no such route", "if !health !listing !posting"),
    refuse(
      405,
      "invalid_request_error",
      "method not allowed",
      "if health !METH_GET || listing !METH_GET || posting !METH_POST",
    ),
    refuse(
      411,
      "invalid_request_error",
      "Content-Length is required",
      "if posting !{ req.hdr(content-length) -m found }",
    ),
    refuse(
      413,
      "invalid_request_error",
      `a request body may have ${gateway.maxBodyMiB} MiB`,
      `if { req.hdr_val(content-length) gt ${gateway.maxBodyMiB * 1024 * 1024} }`,
    ),
    "  default_backend engine",
  ];
}

function engineSection(): string[] {
  return [
    "backend engine",
    "  option httpchk",
    "  http-check send meth GET uri /health",
    "  http-check expect status 200",
    `  server local 127.0.0.1:${enginePort} check inter 2s fall 2 rise 1`,
  ];
}

function metricsSection({ metricsPort }: GatewaySettings): string[] {
  return [
    "frontend metrics",
    `  bind 127.0.0.1:${metricsPort}`,
    "  no log",
    "  http-request use-service prometheus-exporter if { path /metrics }",
    "  http-request return status 404",
  ];
}

/** Draining by HTTP over a socket that only root opens: curl is then all the node needs. */
function adminSection({ socket }: GatewayPaths): string[] {
  return [
    "frontend admin",
    `  bind unix@${socket} mode 600`,
    "  no log",
    "  stats enable",
    "  stats uri /",
    "  stats admin if TRUE",
  ];
}
