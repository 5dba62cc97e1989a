/**
 * Upstream images that are used when the configuration names none. A default is kept here only where the
 * same digest for the same tag is published in many independent public repositories (the counts below are
 * what a public code search gave on 2026-11-23). They were not pulled on the machine that wrote this list:
 * `skopeo inspect --format '{{.Digest}}' docker://IMAGE:TAG` checks one, and a wrong digest cannot be pulled.
 * No default for Grafana: its digests found in public disagreed or were too few.
 */
export const defaultImages = {
  /** 3.13 is a long-term support line. At least 3 independent repositories. */
  prometheus:
    "prom/prometheus:v3.13.1@sha256:3c42b892cf723fa54d2f262c37a0e1f80aa8c8ddb1da7b9b0df9455a35a7f893",
  /** Payload templates for webhooks need 0.32 (prometheus/alertmanager#5011). At least 8 repositories. */
  alertmanager:
    "prom/alertmanager:v0.33.1@sha256:9e082985f56f4c8c9f724e18f2288c6708f472e56a5286b8863d080434ea065d",
  /** At least 7 repositories. */
  nodeExporter:
    "prom/node-exporter:v1.12.1@sha256:1b4e4438faca4dd7e001dd445d161a4a2091b0fededa84093b3a8dfeae1f1be0",
  /** DCGM 4.5.3 (NVIDIA/dcgm-exporter#656). At least 10 repositories. */
  gpuExporter:
    "nvcr.io/nvidia/k8s/dcgm-exporter:4.5.3-4.8.2-distroless@sha256:60d3b00ac80b4ae77f94dae2f943685605585ad9e92fdccda3154d009ae317cc",
  /** CUDA 13.0 inside, so driver 580 or later. Above the floor of 0.22.0. At least 8 repositories. */
  vllm: "vllm/vllm-openai:v0.26.0@sha256:ffb2d59b1c059a5bd8d781320c9f5189de8293693b7d95da54befddaa54abf52",
  /** CUDA 12.8.1 inside; three documents of one project, the least attested of these. */
  llamacpp:
    "ghcr.io/ggml-org/llama.cpp:server-cuda-b10257@sha256:37dd122824e58af9ec861955242abdeeade5a1dcf0ad768bf2b37f903c2805c6",
} as const;

/** CUDA inside the default engine images; what another image holds is not known here. */
const imageCudas: Readonly<Record<string, string>> = {
  [defaultImages.vllm]: "13.0",
  [defaultImages.llamacpp]: "12.8.1",
};

/** CUDA version of an engine image, where it is known: a driver too old for it is refused. */
export function imageCuda(image: string): string | undefined {
  return imageCudas[image];
}
