import { describe, expect, it } from "vitest";
import { driverConfig, driverResourceInputs } from "../../config/driver.ts";
import { type DriverFacts, driverFacts } from "../../provider/resources/driver/facts.ts";
import { pinText, wantedPackages } from "../../provider/resources/driver/plan.ts";
import { cardOf, settingsUnit } from "../../provider/resources/driver/settings.ts";
import { driver } from "../../provider/resources/driver.ts";

const BARE = driverFacts.parse({
  os: "debian13",
  osName: "Debian GNU/Linux 13 (trixie)",
  kernel: "6.12.48+deb13-amd64",
  arch: "x86_64",
  pciGpus: [{ bus: "0000:01:00.0", deviceId: "0x2684", model: "" }],
  nvswitches: 0,
  simulatedGpus: "",
  packages: [],
  loaded: "",
  loadedKind: "",
  smiError: "",
  gpus: [],
  pinFile: "",
  sourceFile: "",
  keyFile: "",
  settingsUnit: "",
  nvidia_persistenced: "absent",
  nvidia_fabricmanager: "absent",
  nvidia_dcgm: "absent",
  racksmith_gpu: "absent",
});

const inputs = (config: Record<string, unknown> = {}, imageCuda?: string) =>
  driver.inputs.parse(driverResourceInputs(driverConfig.parse(config), imageCuda));
const gpu = (deviceId: string) => ({ pciGpus: [{ bus: "0000:01:00.0", deviceId, model: "" }] });

/** The host after a deployment that went well. */
function deployed(config: Record<string, unknown> = {}, facts: Partial<DriverFacts> = {}): DriverFacts {
  const wanted = inputs(config);
  const base = { ...BARE, ...facts };
  return {
    ...base,
    packages: wantedPackages(wanted, base).map((each) => ({
      ...each,
      state: "installed" as const,
      held: true,
    })),
    loaded: wanted.driver,
    loadedKind: wanted.modules,
    gpus: ["00000000:01:00.0, Enabled, 450.00, 600.00, Disabled, Disabled, [N/A], [N/A]"],
    pinFile: pinText(wanted),
    settingsUnit: settingsUnit(wanted),
    nvidia_persistenced: "active",
    nvidia_dcgm: "active",
    racksmith_gpu: "active",
    ...facts,
  };
}

const changes = (facts: DriverFacts, config: Record<string, unknown> = {}) =>
  driver
    .compare(inputs(config), facts)
    .map(({ path, found, wanted, disruption }) => `${path}: ${found} → ${wanted} (${disruption})`);
const refusals = (config: Record<string, unknown>, facts: Partial<DriverFacts> = {}, imageCuda?: string) =>
  (driver.refuse?.(inputs(config, imageCuda), { ...BARE, ...facts }) ?? []).map(
    ({ path, found, wanted }) => `${path}: ${found} | ${wanted}`,
  );

describe("driver packages", () => {
  const names = (config: Record<string, unknown>, facts: Partial<DriverFacts>) =>
    wantedPackages(inputs(config), { ...BARE, ...facts }).map(({ name, version }) => `${name}=${version}`);
  const toolkit = [
    "nvidia-container-toolkit=1.19.1-1",
    "nvidia-container-toolkit-base=1.19.1-1",
    "libnvidia-container-tools=1.19.1-1",
    "libnvidia-container1=1.19.1-1",
  ];

  it("are NVIDIA's for each system and branch", () => {
    const plain = { toolkit: false, dcgmEnabled: false };
    expect(names({ ...plain, set: "article" }, { os: "ubuntu22.04" })).toEqual([
      "nvidia-dkms-525=525.85.12-0ubuntu1",
      "libnvidia-compute-525=525.85.12-0ubuntu1",
      "nvidia-utils-525=525.85.12-0ubuntu1",
      "nvidia-compute-utils-525=525.85.12-0ubuntu1",
      ...toolkit,
    ]);
    expect(names(plain, { os: "ubuntu24.04" })[0]).toBe("nvidia-dkms-580-open=580.173.02-1ubuntu1");
    expect(names({ ...plain, set: "r595" }, { os: "ubuntu24.04" })[0]).toBe(
      "nvidia-dkms-open=595.71.05-1ubuntu1",
    );
    expect(names({ ...plain, modules: "proprietary" }, { os: "debian12" })).toEqual([
      "nvidia-kernel-dkms=580.173.02-1",
      "nvidia-driver-cuda=580.173.02-1",
      "nvidia-smi=580.173.02-1",
      "libcuda1=580.173.02-1",
      "nvidia-persistenced=580.173.02-1",
      ...toolkit,
    ]);
  });

  it("carry CUDA and cuDNN in NVIDIA's two manners, DCGM by the driver's CUDA", () => {
    expect(names({ set: "article" }, {}).slice(-8, -4)).toEqual([
      "cuda-toolkit-11-8=11.8.0-1",
      "libcudnn8=8.6.0.163-1+cuda11.8",
      "datacenter-gpu-manager-4-core=1:4.6.1-1",
      "datacenter-gpu-manager-4-cuda12=1:4.6.1-1",
    ]);
    expect(names({}, {}).slice(-8, -4)).toEqual([
      "cuda-toolkit-13-0=13.0.2-1",
      "libcudnn9-cuda-13=9.20.0.48-1",
      "datacenter-gpu-manager-4-core=1:4.6.1-1",
      "datacenter-gpu-manager-4-cuda13=1:4.6.1-1",
    ]);
  });

  it("have the fabric manager only where NVSwitches are, in the driver's version, under its name of the day", () => {
    expect(names({}, {}).join()).not.toContain("fabricmanager");
    expect(names({}, { nvswitches: 4 })).toContain("nvidia-fabricmanager=580.173.02-1");
    expect(names({ set: "article" }, { nvswitches: 6, os: "ubuntu22.04" })).toContain(
      "nvidia-fabricmanager-525=525.85.12-1",
    );
  });
});

describe("driver compare", () => {
  it("finds nothing on a host that is right", () => {
    expect(changes(deployed())).toEqual([]);
    expect(changes(deployed({ set: "article" }), { set: "article" })).toEqual([]);
  });

  const unheld = deployed().packages.map((each) =>
    each.name === "libcuda1" ? { ...each, held: false } : each,
  );
  const moved = deployed().packages.map((each) =>
    each.name === "nvidia-smi" ? { ...each, version: "580.180.01-1" } : each,
  );
  const along = [
    ...deployed().packages,
    { name: "libnvidia-ml1", version: "580.173.02-1", state: "installed" as const, held: false },
  ];
  it.each<[string, Partial<DriverFacts>, string]>([
    ["a package that is no longer held", { packages: unheld }, "holds.libcuda1: not held → held (none)"],
    ["a dependency that is not held", { packages: along }, "holds.libnvidia-ml1: not held → held (none)"],
    ["another version", { packages: moved }, "packages.nvidia-smi: 580.180.01-1 → 580.173.02-1 (none)"],
    [
      "a module that is not the installed one",
      { loaded: "580.159.04" },
      "loaded: 580.159.04 → 580.173.02 (reboot)",
    ],
    ["no module", { loaded: "", loadedKind: "" }, "loaded: no driver → 580.173.02 (none)"],
    ["the other kind of module", { loadedKind: "proprietary" }, "modules: proprietary → open (reboot)"],
    [
      "persistence off",
      { gpus: ["00000000:01:00.0, Disabled, 450.00, 600.00, [N/A], [N/A], [N/A], [N/A]"] },
      "gpus.00000000:01:00.0.persistence: off → on (none)",
    ],
    ["a stopped service", { nvidia_dcgm: "inactive" }, "services.nvidia-dcgm: inactive → active (none)"],
  ])("names %s, and only that", (_, facts, line) => {
    expect(changes(deployed({}, facts))).toEqual([line]);
  });

  it("names a half-installed package and one of another branch", () => {
    const broken = deployed().packages.map((each) =>
      each.name === "libcuda1" ? { ...each, state: "broken" as const } : each,
    );
    expect(changes(deployed({}, { packages: broken }))).toEqual([
      "packages.libcuda1: 580.173.02-1, half installed → 580.173.02-1 (none)",
    ]);
    const ubuntu = deployed({}, { os: "ubuntu24.04" });
    ubuntu.packages.push({
      name: "nvidia-utils-535",
      version: "535.288.01-0ubuntu1",
      state: "installed",
      held: false,
    });
    expect(changes(ubuntu)).toEqual(["packages.nvidia-utils-535: of another driver → absent (none)"]);
  });

  it("names power, ECC and MIG by card; what needs a reset says so", () => {
    const a100 = "00000000:07:00.0, Enabled, 300.00, 400.00, Enabled, Disabled, Disabled, Disabled";
    expect(
      changes(deployed({ powerLimitWatts: 250, ecc: true, mig: true }, { gpus: [a100] }), {
        powerLimitWatts: 250,
        ecc: true,
        mig: true,
      }),
    ).toEqual([
      "gpus.00000000:07:00.0.powerLimitWatts: 300 → 250 (none)",
      "gpus.00000000:07:00.0.ecc: on, off after a reset → on (reboot)",
      "gpus.00000000:07:00.0.mig: off → on (reboot)",
    ]);
  });

  it("frees clocks that are locked no longer", () => {
    const locked = settingsUnit(inputs({ lockClocksMHz: [1000, 1980] }));
    expect(driver.forAct(inputs(), deployed({}, { settingsUnit: locked })).setting).toEqual([
      "-pm 1",
      "-rgc",
    ]);
    expect(driver.forAct(inputs(), deployed()).setting).toEqual(["-pm 1"]);
  });
});

describe("driver refuse", () => {
  it("takes every named set on the card of the entry tier", () => {
    for (const set of ["r580", "r595", "article"]) expect(refusals({ set }, {}, undefined), set).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string, string]>([
    [
      "Ada",
      { driver: "515.43.04" },
      "0x2684",
      "driver: 515.43.04 | at least 520.61.05, NVIDIA's minimum for Ada",
    ],
    [
      "Hopper",
      { driver: "510.39.01", modules: "proprietary" },
      "0x2330",
      "driver: 510.39.01 | at least 520.61.05, NVIDIA's minimum for Hopper",
    ],
    [
      "Blackwell",
      { driver: "560.35.05", cuda: "12.6.3" },
      "0x2901",
      "driver: 560.35.05 | at least 570.26, NVIDIA's minimum for Blackwell",
    ],
    [
      "Volta",
      { set: "r595", modules: "proprietary" },
      "0x1db5",
      "driver: 595.71.05 | R580, the last branch that serves Volta",
    ],
  ])("names NVIDIA's limit for %s", (_, config, device, line) => {
    expect(refusals({ toolkit: false, ...config }, gpu(device))).toContain(line);
  });

  it("knows which kernel modules a card takes", () => {
    expect(refusals({ modules: "proprietary" }, gpu("0x2901"))).toEqual([
      "modules: proprietary | open: NVIDIA has no other kernel modules for Blackwell",
    ]);
    expect(refusals({}, gpu("0x1db5"))[0]).toContain("modules: open | proprietary");
    expect(refusals({ driver: "510.47.03", cuda: "11.6", cudnn: "8.6.0.163" }, gpu("0x20b2"))).toEqual([
      "modules: open with 510.47.03 | open kernel modules exist from R515 on",
    ]);
  });

  it("holds the driver against the engine image's CUDA, and the milder rule only when asked for", () => {
    expect(refusals({ set: "article" }, {}, "12.8")).toEqual([
      "imageCuda: driver 525.85.12 | at least 570.26, NVIDIA's minimum for the engine image's CUDA 12.8",
    ]);
    expect(refusals({ set: "article", minorVersionCompatibility: true }, {}, "12.8")).toEqual([]);
    expect(refusals({ set: "article", minorVersionCompatibility: true }, {}, "13.0")).toEqual([
      "imageCuda: driver 525.85.12 | at least 580.65.06, NVIDIA's minimum for the engine image's CUDA 13.0",
    ]);
    expect(refusals({}, {}, "12.9.1")).toEqual([]);
    expect(refusals({}, {}, "99.0")).toHaveLength(1);
    expect(refusals({ set: "article", cuda: "13.0.2" })).toEqual([
      "cuda: driver 525.85.12 | at least 580.65.06, NVIDIA's minimum for CUDA 13.0.2",
    ]);
  });

  it("refuses hosts without a GPU, other systems, NVSwitches without their manager", () => {
    expect(refusals({}, { os: "rhel9", pciGpus: [] })).toHaveLength(2);
    expect(refusals({ fabricManager: "off" }, { nvswitches: 4 })).toHaveLength(1);
  });

  it("refuses what a card cannot be set to", () => {
    const gpus = ["00000000:01:00.0, Enabled, 450.00, 600.00, [N/A], [N/A], [N/A], [N/A]"];
    expect(refusals({ powerLimitWatts: 700, ecc: true, mig: true }, { gpus })).toEqual([
      "powerLimitWatts: 700 W for 00000000:01:00.0 | at most 600 W",
      "ecc: no ECC on 00000000:01:00.0 | a card that has it",
      "mig: no MIG on 00000000:01:00.0 | a card that has it",
    ]);
    expect(refusals({ ecc: false, mig: false }, { gpus })).toEqual([]);
  });
});

describe("nvidia-smi", () => {
  it("reads what a card has and what it has not", () => {
    expect(
      cardOf("00000000:01:00.0, Enabled, [Not Supported], [N/A], Enabled, Disabled, [N/A], [N/A]"),
    ).toEqual({
      bus: "00000000:01:00.0",
      persistence: true,
      powerLimitWatts: undefined,
      maxPowerLimitWatts: undefined,
      ecc: { current: true, pending: false },
      mig: undefined,
    });
  });
});
