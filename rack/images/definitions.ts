/** The rack's container images as data. Paths, entrypoints and users are those of the upstream images. */

/** A layer is assembled by rack/images/layers.ts under its name. */
export type LayerName =
  | "base"
  | "node"
  | "llamacpp"
  | "dcgm-exporter"
  | "prometheus"
  | "alertmanager"
  | "node-exporter";

export interface ImageDefinition {
  /** Lowest first; images share their first layers, so that a node keeps and pulls them once. */
  layers: readonly [LayerName, ...LayerName[]];
  entrypoint: readonly string[];
  command?: readonly string[];
  user: string;
  workingDir: string;
  port: number;
}

const NOBODY = "65534:65534";

export const IMAGES = {
  llamacpp: {
    layers: ["base", "node", "llamacpp"],
    entrypoint: ["/app/llama-server"],
    user: "65532:65532",
    workingDir: "/app",
    port: 8080,
  },
  prometheus: {
    layers: ["base", "prometheus"],
    entrypoint: ["/bin/prometheus"],
    command: ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"],
    user: NOBODY,
    workingDir: "/prometheus",
    port: 9090,
  },
  alertmanager: {
    layers: ["base", "alertmanager"],
    entrypoint: ["/bin/alertmanager"],
    command: ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"],
    user: NOBODY,
    workingDir: "/alertmanager",
    port: 9093,
  },
  "node-exporter": {
    layers: ["base", "node-exporter"],
    entrypoint: ["/bin/node_exporter"],
    user: NOBODY,
    workingDir: "/",
    port: 9100,
  },
  "dcgm-exporter": {
    layers: ["base", "node", "dcgm-exporter"],
    entrypoint: ["/usr/bin/dcgm-exporter"],
    user: "0:0",
    workingDir: "/",
    port: 9400,
  },
} as const satisfies Record<string, ImageDefinition>;

export type ImageName = keyof typeof IMAGES;
export const IMAGE_NAMES: readonly ImageName[] = [
  "llamacpp",
  "prometheus",
  "alertmanager",
  "node-exporter",
  "dcgm-exporter",
];

/** Debian release whose packages fill the layers: the newest whose node binary, libraries and daemons fit together. */
export const IMAGE_SUITE = "trixie";

/** Debian packages that the layers are picked from; their dependencies come along, most of which are left out again. */
export const IMAGE_PACKAGES = [
  "libc6",
  "libstdc++6",
  "ca-certificates",
  "prometheus",
  "prometheus-alertmanager",
  "prometheus-node-exporter",
] as const;
