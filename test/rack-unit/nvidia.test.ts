import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GpuSpec } from "../../rack/nodes/types.ts";
import { buildDeb, controlText, debFileName } from "../../rack/nvidia/deb.ts";
import { gpuDescription } from "../../rack/nvidia/description.ts";
import { debSpecs } from "../../rack/nvidia/packages.ts";
import { DISTRIBUTIONS, packagesOf } from "../../tiers/drivers/packages.ts";
import { DRIVER_SETS } from "../../tiers/drivers/sets.ts";

const RTX4090: GpuSpec = {
  name: "NVIDIA GeForce RTX 4090",
  uuid: "GPU-4090a000-0000-4000-8000-000000000001",
  pciBusId: "00000000:01:00.0",
  pciId: "10de:2684",
  memoryMiB: 24564,
  computeCapability: "8.9",
  powerLimitWatts: 450,
  maxPowerLimitWatts: 600,
  eccSupported: true,
  migSupported: false,
};
const A100: GpuSpec = {
  ...RTX4090,
  name: "NVIDIA A100-SXM4-80GB",
  uuid: "GPU-a1000000-0000-4000-8000-000000000002",
  pciBusId: "00000000:41:00.0",
  pciId: "10de:20b2",
  memoryMiB: 81920,
  powerLimitWatts: 400,
  maxPowerLimitWatts: 400,
  eccDefault: "Enabled",
  migSupported: true,
};
const NEW = DRIVER_SETS.r580.driver.version;
const OLD = DRIVER_SETS.article.driver.version;
const specs = debSpecs("debian13");
const isRoot = process.getuid?.() === 0;

/** A folder that stands for a node's root: packages are unpacked into it, programs run with it as prefix. */
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "racksmith-sim-"));
  mkdirSync(join(root, "dev"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}

/** Unpacks what the packages hold; `driver` picks among versions of one name. */
function install(driver: string, ...names: string[]): void {
  for (const name of ["racksmith-sim-gpu", ...names]) {
    const spec = specs.find(
      (each) => each.name === name && (each.version.startsWith(driver) || !/^5/.test(each.version)),
    );
    if (spec === undefined) throw new Error(`no package ${name} of ${driver}`);
    for (const [path, file] of Object.entries(spec.files ?? {})) put(path, file.text, file.mode);
  }
}
const DRIVER = ["nvidia-kernel-open-dkms", "libnvidia-ml1", "nvidia-smi"];

function sim(program: string, ...args: string[]): { rc: number | null; out: string } {
  const env = { PATH: process.env.PATH ?? "", LC_ALL: "C", RACKSMITH_SIM_ROOT: root };
  const { status, stdout, stderr } = spawnSync(join(root, program), args, { env, encoding: "utf8" });
  return { rc: status, out: `${stdout}${stderr}` };
}
const smi = (...args: string[]) => sim("usr/bin/nvidia-smi", ...args);
const racksmithSim = (...args: string[]) => sim("usr/sbin/racksmith-sim", ...args);
const query = (fields: string, format = "csv,noheader,nounits") =>
  smi(`--query-gpu=${fields}`, `--format=${format}`);

function describeGpus(...gpus: GpuSpec[]): void {
  put("etc/racksmith-sim/gpus.json", gpuDescription(gpus));
}
function booted(driver: string, ...gpus: GpuSpec[]): void {
  describeGpus(...gpus);
  install(driver, ...DRIVER);
  expect(racksmithSim("boot")).toEqual({ rc: 0, out: "" });
}

describe("loaded against installed", () => {
  it("has no driver to talk to before the first boot with one", () => {
    describeGpus(RTX4090);
    install(NEW, ...DRIVER);
    racksmithSim("describe");
    const { rc, out } = smi();
    expect(rc).toBe(9);
    expect(out).toContain("couldn't communicate with the NVIDIA driver");
  });

  it("answers after a boot, refuses after an upgrade without one, answers after the next", () => {
    booted(OLD, RTX4090);
    expect(query("driver_version").out).toBe(`${OLD}\n`);
    install(NEW, ...DRIVER);
    expect(smi("-L")).toEqual({
      rc: 18,
      out: "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.173\n",
    });
    racksmithSim("boot");
    expect(query("driver_version").out).toBe(`${NEW}\n`);
  });

  it("finds no devices on a machine without GPUs", () => {
    install(NEW, ...DRIVER);
    racksmithSim("boot");
    expect(smi("-L")).toEqual({ rc: 6, out: "No devices were found\n" });
  });
});

describe("nvidia-smi queries", () => {
  it("writes CSV with header and units, and without", () => {
    booted(NEW, RTX4090, A100);
    expect(query("index,name,memory.total,power.limit", "csv").out).toBe(
      "index, name, memory.total [MiB], power.limit [W]\n" +
        "0, NVIDIA GeForce RTX 4090, 24564 MiB, 450.00 W\n" +
        "1, NVIDIA A100-SXM4-80GB, 81920 MiB, 400.00 W\n",
    );
    expect(query("memory.total,ecc.mode.current,mig.mode.current,pci.device_id").out).toBe(
      "24564, Disabled, [N/A], 0x268410DE\n81920, Enabled, Disabled, 0x20B210DE\n",
    );
  });

  it("picks GPUs by index, UUID and bus id", () => {
    booted(NEW, RTX4090, A100);
    for (const id of ["1", A100.uuid, A100.pciBusId])
      expect(smi("-i", id, "--query-gpu=index", "--format=csv,noheader").out).toBe("1\n");
    expect(smi("-i", "7", "-L").rc).toBe(6);
  });

  it("counts NVLinks as the host noun does", () => {
    booted(NEW, RTX4090, { ...A100, nvLinks: 12 });
    const { rc, out } = smi("nvlink", "--status");
    expect(rc).toBe(0);
    expect(out.match(/Link [0-9]+: [0-9]/g)).toHaveLength(12);
  });

  it("refuses unknown fields, formats and flags", () => {
    booted(NEW, RTX4090);
    expect(query("no.such")).toEqual({ rc: 2, out: 'Field "no.such" is not a valid field to query.\n\n' });
    expect(query("name", "json").rc).toBe(2);
    expect(smi("--frobnicate").rc).toBe(2);
  });

  it("says that it is simulated", () => {
    booted(NEW, RTX4090);
    expect(smi("-L").out).toBe(`GPU 0: ${RTX4090.name} (UUID: ${RTX4090.uuid}) SIMULATED\n`);
    const table = smi().out;
    expect(table).toContain("SIMULATED");
    expect(table).toMatch(/Driver Version: 580\.173\.02 +CUDA Version: 13\.0/);
    const widths = table
      .split("\n")
      .filter((line) => /^[|+]/.test(line))
      .map((line) => line.length);
    expect(new Set(widths)).toEqual(new Set([91]));
  });
});

describe.runIf(isRoot)("nvidia-smi settings", () => {
  it("sets a power limit in range only, and forgets it at boot", () => {
    booted(NEW, RTX4090);
    expect(smi("-pl", "300")).toEqual({
      rc: 0,
      out: "Power limit for GPU 00000000:01:00.0 was set to 300.00 W from 450.00 W.\nAll done.\n",
    });
    expect(query("power.limit").out).toBe("300.00\n");
    const refused = smi("-pl", "9000");
    expect(refused.rc).toBe(2);
    expect(refused.out).toContain("should be between 100.00 W and 600.00 W");
    expect(query("power.limit").out).toBe("300.00\n");
    racksmithSim("boot");
    expect(query("power.limit").out).toBe("450.00\n");
  });

  it("sets persistence mode, and says when it is set already", () => {
    booted(NEW, RTX4090);
    expect(smi("-pm", "1").out).toContain("Enabled persistence mode");
    expect(smi("-pm", "1").out).toContain("already Enabled");
    expect(query("persistence_mode").out).toBe("Enabled\n");
  });

  it("changes ECC at the next boot", () => {
    booted(NEW, A100);
    expect(smi("-e", "0").out).toContain("Reboot required.");
    expect(query("ecc.mode.current,ecc.mode.pending").out).toBe("Enabled, Disabled\n");
    racksmithSim("boot");
    expect(query("ecc.mode.current,ecc.mode.pending").out).toBe("Disabled, Disabled\n");
  });

  it("has MIG where the GPU has it", () => {
    booted(NEW, A100);
    expect(smi("-mig", "1").rc).toBe(0);
    expect(query("mig.mode.current").out).toBe("Enabled\n");
    booted(NEW, RTX4090);
    expect(smi("-mig", "1").rc).toBe(3);
  });
});

describe("services and tools", () => {
  it("fabric manager refuses another driver with the real text", () => {
    booted(NEW, A100);
    install(OLD, "nvidia-fabricmanager-525");
    expect(sim("usr/bin/nv-fabricmanager")).toEqual({
      rc: 1,
      out: `fabric manager NVIDIA GPU driver interface version ${OLD} don't match with driver version ${NEW}. Please update with matching NVIDIA driver package.\n`,
    });
  });

  it("fabric manager has nothing to do without NVSwitch", () => {
    booted(NEW, A100);
    install(NEW, "nvidia-fabricmanager");
    expect(sim("usr/bin/nv-fabricmanager")).toMatchObject({
      rc: 1,
      out: expect.stringContaining("NV_WARN_NOTHING_TO_DO"),
    });
  });

  it("writes a CDI spec that lists as it was generated, and none for a mismatched driver", () => {
    booted(NEW, RTX4090, A100);
    install(NEW, "nvidia-container-toolkit-base");
    const output = join(root, "etc/cdi/nvidia.yaml");
    expect(sim("usr/bin/nvidia-ctk", "cdi", "generate", `--output=${output}`).rc).toBe(0);
    expect(readFileSync(output, "utf8")).toContain("kind: nvidia.com/gpu");
    const listed = sim("usr/bin/nvidia-ctk", "cdi", "list").out.split("\n");
    for (const device of ["0", "1", "all", A100.uuid]) expect(listed).toContain(`nvidia.com/gpu=${device}`);
    racksmithSim("load", OLD);
    expect(sim("usr/bin/nvidia-ctk", "cdi", "generate").rc).toBe(1);
  });

  it("names a CDI spec as the real tool does: by its format where the name says none; without a name it prints", () => {
    booted(NEW, RTX4090);
    install(NEW, "nvidia-container-toolkit-base");
    const generate = (...flags: string[]) => sim("usr/bin/nvidia-ctk", "cdi", "generate", ...flags);
    expect(generate("--output", join(root, "cdi/nvidia.yaml.new")).rc).toBe(0);
    expect(readdirSync(join(root, "cdi"))).toEqual(["nvidia.yaml.new.yaml"]);
    expect(generate("--format", "yaml").out).toBe(
      readFileSync(join(root, "cdi/nvidia.yaml.new.yaml"), "utf8"),
    );
    expect(generate(`--output=${join(root, "cdi/nvidia.json")}`).out).toContain("json is not simulated");
    expect(readdirSync(join(root, "cdi"))).toHaveLength(1);
  });

  it("injects an Xid into the kernel log, after which the diagnostic fails", () => {
    booted(NEW, RTX4090);
    install(NEW, "datacenter-gpu-manager-4-core");
    expect(sim("usr/bin/dcgmi", "diag", "-r", "1").out).toContain("Unable to connect to host engine");
    put("run/racksmith-sim/hostengine", "");
    expect(sim("usr/bin/dcgmi", "diag", "-r", "1").rc).toBe(0);
    put("dev/kmsg", "");
    expect(racksmithSim("xid", "79").rc).toBe(0);
    expect(readFileSync(join(root, "dev/kmsg"), "utf8")).toMatch(
      /^<3>NVRM: Xid \(PCI:0000:01:00\): 79, .*SIMULATED/,
    );
    expect(sim("usr/bin/dcgmi", "diag", "-r", "1")).toMatchObject({
      rc: 226,
      out: expect.stringContaining("Xid"),
    });
    expect(racksmithSim("xid", "7; reboot").rc).toBe(2);
  });
});

describe("packages", () => {
  it.each(DISTRIBUTIONS)("offer what racksmith installs on %s", (distribution) => {
    const offered = new Set(debSpecs(distribution).map(({ name, version }) => `${name}=${version}`));
    for (const set of Object.values(DRIVER_SETS)) {
      const stack = {
        driver: set.driver.version,
        modules: set.modules,
        fabricManager: true,
        cuda: set.cuda.version,
        cudnn: set.cudnn.version,
        dcgm: set.dcgm.version,
      };
      for (const { name, version } of packagesOf(stack, distribution))
        expect(offered).toContain(`${name}=${version}`);
      expect(offered).toContain(`nvidia-container-toolkit=${set.containerToolkit.version}-1`);
    }
  });

  it.each(DISTRIBUTIONS)("have distinct names, and dependencies that are there, on %s", (distribution) => {
    const all = debSpecs(distribution);
    expect(new Set(all.map(debFileName)).size).toBe(all.length);
    const known = new Set(all.map(({ name }) => name));
    for (const spec of all)
      for (const dependency of spec.depends ?? [])
        if (!/^(bash|coreutils|findutils|sed)$/.test(dependency))
          expect(known, spec.name).toContain(dependency.split(" ")[0]);
    for (const spec of all) expect(controlText(spec)).toContain("Description: SIMULATED: ");
  });

  it("are real .debs, the same bytes every time", async () => {
    const spec = specs.find((each) => each.name === "nvidia-smi");
    if (spec === undefined) throw new Error("no nvidia-smi");
    const builds: Buffer[] = [];
    for (const folder of ["one", "two"]) {
      mkdirSync(join(root, folder));
      builds.push(readFileSync(await buildDeb(spec, join(root, `work-${folder}`), join(root, folder))));
    }
    expect(builds[0]).toEqual(builds[1]);
    const listing = spawnSync("dpkg-deb", ["-c", join(root, "one", debFileName(spec))], { encoding: "utf8" });
    expect(listing.stdout).toContain("./usr/bin/nvidia-smi");
  });

  it("refuse a description that bash could not read", () => {
    expect(() => gpuDescription([{ ...RTX4090, name: 'a"b' }])).toThrow(/reserved/);
  });
});
