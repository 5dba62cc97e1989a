import { describe, expect, it } from "vitest";
import { driverConfig, driverVersions } from "../../config/driver.ts";
import { architectureOf } from "../../tiers/drivers/architectures.ts";
import { cudaMajorOfDriver, driverForCuda } from "../../tiers/drivers/cuda.ts";
import { DRIVER_SET_NAMES, DRIVER_SETS } from "../../tiers/drivers/sets.ts";
import { isOlder } from "../../tiers/drivers/version.ts";

const paths = (value: unknown) => {
  const parsed = driverConfig.safeParse(value);
  return parsed.success ? [] : [...new Set(parsed.error.issues.map((issue) => issue.path.join("/")))].sort();
};

describe("driver config", () => {
  it("is the default set when nothing is said", () => {
    expect(driverVersions(driverConfig.parse({}))).toEqual({
      driver: "580.173.02",
      modules: "open",
      cuda: "13.0.2",
      cudnn: "9.20.0.48",
      dcgm: "4.6.1",
      containerToolkit: "1.19.1",
    });
  });

  it("knows the articles' set", () => {
    expect(driverVersions(driverConfig.parse({ set: "article" }))).toMatchObject({
      driver: "525.85.12",
      cuda: "11.8.0",
      cudnn: "8.6.0.163",
      modules: "proprietary",
    });
  });

  it("puts any exact version in the set's place, and leaves out what is not wanted", () => {
    const config = driverConfig.parse({
      driver: "570.133.20",
      modules: "proprietary",
      toolkit: false,
      dcgmEnabled: false,
    });
    expect(driverVersions(config)).toEqual({
      driver: "570.133.20",
      modules: "proprietary",
      containerToolkit: "1.19.1",
    });
  });

  it("parses twice to the same", () => {
    const once = driverConfig.parse({ lockClocksMHz: [1000, 2000] });
    expect(driverConfig.parse(once)).toEqual(once);
  });

  const hostile = [
    "$(reboot)",
    "580.173.02; reboot",
    "580.173.02\nPin: release",
    "../../etc/passwd",
    "'",
    "x".repeat(10_000),
    "",
  ];
  it.each(["driver", "cuda", "cudnn", "dcgm", "packageRevision", "set", "containerToolkit"])(
    "refuses hostile strings in %s",
    (field) => {
      for (const text of hostile) expect(paths({ [field]: text }), text.slice(0, 40)).toEqual([field]);
    },
  );

  it("refuses hostile strings in every part of a repository", () => {
    for (const text of hostile) {
      expect(
        paths({ repository: { url: text, suite: text, signedBy: text, key: text, components: [text] } }),
        text.slice(0, 40),
      ).toEqual([
        "repository/components/0",
        "repository/key",
        "repository/signedBy",
        "repository/suite",
        "repository/url",
      ]);
    }
    expect(
      paths({
        repository: {
          url: "https://mirror.example/cuda/{distribution}/x86_64/",
          signedBy: "/usr/share/keyrings/a.gpg",
        },
      }),
    ).toEqual([]);
    expect(paths({ repository: { url: "file:///etc" } })).toEqual(["repository/url"]);
  });

  it("says everything that is wrong at once", () => {
    expect(paths({ powerLimitWatts: -1, lockClocksMHz: [2000, 1000], mig: "yes", speling: 1 })).toEqual([
      "",
      "lockClocksMHz",
      "mig",
      "powerLimitWatts",
    ]);
  });
});

describe("version sets", () => {
  it.each(DRIVER_SET_NAMES)("%s: every number has a source, and NVIDIA's table allows the pair", (name) => {
    const { driver, cuda, cudnn, dcgm, containerToolkit } = DRIVER_SETS[name];
    for (const each of [driver, cuda, cudnn, dcgm, containerToolkit])
      expect(each.source.length).toBeGreaterThan(10);
    const needed = driverForCuda(cuda.version);
    expect(isOlder(driver.version, needed?.full ?? "999")).toBe(false);
  });
});

describe("NVIDIA's tables", () => {
  it.each([
    ["11.8", "520.61.05", "450.80.02"],
    ["12.0.1", "525.85.12", "525.60.13"],
    ["12.4.1", "550.54.15", "525.60.13"],
    ["12.8.0", "570.26", "525.60.13"],
    ["12.8.93", "570.124.06", "525.60.13"],
    ["13.0.2", "580.95.05", "580.65.06"],
  ])("CUDA %s wants %s, at least %s", (cuda, full, minimum) => {
    expect(driverForCuda(cuda)).toEqual({ full, minimum });
  });

  it("knows nothing of CUDA 10 and of CUDA 99", () => {
    expect([driverForCuda("10.2"), driverForCuda("99.0")]).toEqual([undefined, undefined]);
  });

  it("knows the CUDA that a driver brings", () => {
    expect(["470.57.02", "525.85.12", "580.173.02", "595.71.05"].map(cudaMajorOfDriver)).toEqual([
      11, 12, 13, 13,
    ]);
  });

  it.each([
    ["0x1db5", "Volta"],
    ["0x1eb8", "Turing"],
    ["0x20b2", "Ampere"],
    ["0x2204", "Ampere"],
    ["0x2330", "Hopper"],
    ["0x2684", "Ada"],
    ["0x27b8", "Ada"],
    ["0x2901", "Blackwell"],
    ["0x2b85", "Blackwell"],
    ["0x15f8", "Pascal"],
    ["0x0020", undefined],
  ])("PCI device %s is %s", (id, architecture) => {
    expect(architectureOf(id)).toBe(architecture);
  });
});
