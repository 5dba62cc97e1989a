import { describe, expect, it } from "vitest";
import { baselineConfig } from "../../config/baseline.ts";
import { hostConfig } from "../../config/host.ts";

const paths = (value: unknown) => {
  const parsed = baselineConfig.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join("/")).sort();
};

describe("baseline config", () => {
  it("has a default for everything, and parses twice to the same", () => {
    const once = baselineConfig.parse({});
    expect(once).toMatchObject({
      swap: "off",
      transparentHugePages: "madvise",
      firewall: { enabled: false },
    });
    expect(baselineConfig.parse(once)).toEqual(once);
  });

  it.each(["$(reboot)", "a b", "../../etc/passwd", "vm.swappiness\nkernel.panic", "vm", "kernel/panic"])(
    "refuses %j as a kernel setting",
    (key) => {
      expect(paths({ sysctl: { [key]: 1 } })).toHaveLength(1);
    },
  );

  it.each(["|/bin/sh", "1\nkernel.core_pattern=x", "$(id)", "", "x".repeat(10_000)])(
    "refuses %j as its value",
    (value) => {
      expect(paths({ sysctl: { "kernel.core_pattern": value } })).toHaveLength(1);
    },
  );

  it("refuses networks, ports and servers that are none", () => {
    expect(
      paths({
        firewall: {
          allow: [
            { port: 0, from: ["10.0.0.0/8; accept"] },
            { port: 70_000, protocol: "sctp" },
          ],
        },
        timeSync: { servers: ["a b", "x\nFallbackNTP=y"] },
        journal: { maxMiB: 1 },
      }),
    ).toEqual([
      "firewall/allow/0/from/0",
      "firewall/allow/0/port",
      "firewall/allow/1/port",
      "firewall/allow/1/protocol",
      "journal/maxMiB",
      "timeSync/servers/0",
      "timeSync/servers/1",
    ]);
  });
});

describe("host config", () => {
  it("has a default for everything but the GPUs", () => {
    expect(hostConfig.parse({})).toMatchObject({
      secureBoot: "refuse",
      os: expect.arrayContaining(["debian13"]),
    });
  });

  it("refuses unknown systems and nonsense", () => {
    const parsed = hostConfig.safeParse({
      os: ["rhel9"],
      memoryGiB: -1,
      gpus: { model: "$(id)", count: -1, vramGiB: 0 },
    });
    expect(parsed.error?.issues.map((issue) => issue.path.join("/")).sort()).toEqual([
      "gpus/count",
      "gpus/model",
      "gpus/vramGiB",
      "memoryGiB",
      "os/0",
    ]);
  });
});
