import { describe, expect, it } from "vitest";
import { driverFacts } from "../../provider/resources/driver/facts.ts";
import { cardOf } from "../../provider/resources/driver/settings.ts";
import { type FakeMachine, plainMachine } from "./host-machine.ts";

function observe(machine: FakeMachine) {
  const { status, stdout, stderr } = machine.run("driver/observe.sh");
  expect(status, stderr).toBe(0);
  return driverFacts.parse(JSON.parse(stdout));
}

function packages(machine: FakeMachine, ...lines: string[]): void {
  machine.file("dpkg", lines.map((line) => `${line}\n`).join(""));
  machine.command("dpkg-query", `cat '${machine.root}/dpkg'`);
}

describe("driver/observe.sh", () => {
  it("finds nothing on a bare machine", () => {
    const machine = plainMachine();
    packages(machine);
    expect(observe(machine)).toMatchObject({
      os: "ubuntu22.04",
      packages: [],
      loaded: "",
      loadedKind: "",
      gpus: [],
    });
  });

  it("reads holds and half-installed packages from dpkg, the container toolkit among them", () => {
    const machine = plainMachine();
    packages(
      machine,
      "hi |libcuda1|580.173.02-1",
      "ii |nvidia-smi|580.173.02-1",
      "iU |nvidia-persistenced|580.173.02-1",
      "rc |nvidia-utils-535|535.288.01-0ubuntu1",
      "un |nvidia-driver|",
      "hi |nvidia-container-toolkit|1.19.1-1",
    );
    expect(observe(machine).packages).toEqual([
      { name: "libcuda1", version: "580.173.02-1", state: "installed", held: true },
      { name: "nvidia-container-toolkit", version: "1.19.1-1", state: "installed", held: true },
      { name: "nvidia-persistenced", version: "580.173.02-1", state: "broken", held: false },
      { name: "nvidia-smi", version: "580.173.02-1", state: "installed", held: false },
    ]);
  });

  it.each([
    [
      "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.173.02  Release Build  (dvs-builder)",
      "open",
    ],
    [
      "NVRM version: NVIDIA UNIX x86_64 Kernel Module  525.85.12  Sat Jan 28 02:10:06 UTC 2023",
      "proprietary",
    ],
  ])("knows the module that runs: %s", (line, kind) => {
    const machine = plainMachine();
    packages(machine);
    machine.file("sys/module/nvidia/version", "580.173.02\n");
    machine.file("proc/driver/nvidia/version", `${line}\nGCC version:  gcc version 12.2.0\n`);
    expect(observe(machine)).toMatchObject({ loaded: "580.173.02", loadedKind: kind });
  });

  it("says why nvidia-smi does not answer, and takes no error text for a card", () => {
    const machine = plainMachine();
    packages(machine);
    machine.command(
      "nvidia-smi",
      "printf 'Failed to initialize NVML: Driver/library version mismatch\\nNVML library version: 580.173\\n'; exit 18",
    );
    const facts = observe(machine);
    expect(facts.gpus).toEqual([]);
    expect(facts.smiError).toContain("Driver/library version mismatch");
  });

  it("reads every card's settings", () => {
    const machine = plainMachine();
    packages(machine);
    machine.command(
      "nvidia-smi",
      "printf '00000000:18:00.0, Enabled, 700.00, 700.00, Enabled, Enabled, Disabled, Disabled\\n00000000:2A:00.0, Enabled, 700.00, 700.00, Enabled, Enabled, Disabled, Disabled\\n'",
    );
    const cards = observe(machine).gpus.map(cardOf);
    expect(cards.map(({ bus, ecc }) => [bus, ecc?.current])).toEqual([
      ["00000000:18:00.0", true],
      ["00000000:2A:00.0", true],
    ]);
  });
});
