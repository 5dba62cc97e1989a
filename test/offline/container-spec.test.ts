import { describe, expect, test } from "vitest";
import {
  containerInputs,
  createOptions,
  durationNanoseconds,
} from "../../offline/plugins/docker/container-spec.ts";

describe("docker container inputs", () => {
  test("become the body of the create call", () => {
    const inputs = containerInputs.parse({
      name: "racksmith-prometheus",
      image: "sha256:abc",
      command: ["--config.file=/etc/prometheus/prometheus.yml"],
      user: "65534:65534",
      networkMode: "host",
      readOnly: true,
      restart: "unless-stopped",
      memory: 512,
      capabilities: { drops: ["ALL"] },
      securityOpts: ["no-new-privileges"],
      labels: [{ label: "racksmith.stack", value: "s" }],
      mounts: [
        {
          type: "bind",
          source: "/",
          target: "/host",
          readOnly: true,
          bindOptions: { propagation: "rslave" },
        },
      ],
      logDriver: "json-file",
      logOpts: { "max-size": "10m" },
      deviceRequests: [{ deviceIds: ["nvidia.com/gpu=all"] }],
    });
    const body = createOptions(inputs);
    expect(body).toMatchObject({
      name: "racksmith-prometheus",
      Image: "sha256:abc",
      Cmd: ["--config.file=/etc/prometheus/prometheus.yml"],
      Labels: { "racksmith.stack": "s" },
      HostConfig: {
        NetworkMode: "host",
        ReadonlyRootfs: true,
        Memory: 536870912,
        CapDrop: ["ALL"],
        RestartPolicy: { Name: "unless-stopped", MaximumRetryCount: 0 },
        Mounts: [
          {
            Type: "bind",
            Source: "/",
            Target: "/host",
            ReadOnly: true,
            BindOptions: { Propagation: "rslave" },
          },
        ],
        DeviceRequests: [{ Driver: "cdi", Count: 0, DeviceIDs: ["nvidia.com/gpu=all"] }],
      },
    });
    expect(body).not.toHaveProperty("Entrypoint");
  });

  test("an input this edition does not know is refused, not ignored", () => {
    const parsed = containerInputs.safeParse({ name: "a", image: "b", uploads: [{ file: "/x" }] });
    expect(parsed.success).toBe(false);
  });

  test("durations are Go's", () => {
    expect(durationNanoseconds("1m30s")).toBe(90e9);
    expect(() => durationNanoseconds("30")).toThrow(/no duration/);
    expect(() => durationNanoseconds("")).toThrow(/no duration/);
  });

  test("a propagation that Docker does not know is refused", () => {
    const inputs = containerInputs.parse({
      name: "a",
      image: "b",
      mounts: [{ type: "bind", source: "/", target: "/h", bindOptions: { propagation: "everywhere" } }],
    });
    expect(() => createOptions(inputs)).toThrow(/none of private/);
  });
});
