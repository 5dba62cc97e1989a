import type { z } from "zod";
import type { Refusal } from "../../noun.ts";
import type { hostInputs } from "../host.ts";
import { refuseDisks } from "./disks.ts";
import type { HostFacts } from "./facts.ts";
import { gpusOf } from "./gpus.ts";

export type HostInputs = z.output<typeof hostInputs>;

/** What firmware and kernel keep of the fitted memory, and what vendors' rounding takes off video memory. */
const MEMORY_SLACK = 0.94;
const VRAM_SLACK = 0.97;

/** Everything that this machine is not, at once. Pure. */
export function refuseHost(inputs: HostInputs, facts: HostFacts): Refusal[] {
  return [
    ...refuseSystem(inputs, facts),
    ...refuseSize(inputs, facts),
    ...refuseGpus(inputs, facts),
    ...refuseDisks(inputs, facts),
    ...refusePorts(facts),
  ];
}

function refuseSystem(inputs: HostInputs, facts: HostFacts): Refusal[] {
  const refusals: Refusal[] = [];
  if (facts.arch !== "x86_64") {
    refusals.push({ path: "arch", found: facts.arch, wanted: "x86_64", remedy: "use an x86_64 server" });
  }
  if (!inputs.os.some((allowed) => allowed === facts.os)) {
    refusals.push({
      path: "os",
      found: facts.osName === "" ? facts.os : `${facts.os} (${facts.osName})`,
      wanted: inputs.os.join(", "),
      remedy: "install one of these systems, or widen host.os",
    });
  }
  if (facts.secureBoot === "enabled" && inputs.secureBoot === "refuse") {
    refusals.push({
      path: "secureBoot",
      found: "enabled",
      wanted: "disabled",
      remedy:
        "the driver and SM4 modules are built on the host and unsigned: switch Secure Boot off in the firmware, or enrol DKMS's key (mokutil --import /var/lib/dkms/mok.pub, reboot, confirm) and set host.secureBoot: allow",
    });
  }
  return refusals;
}

function refuseSize(inputs: HostInputs, facts: HostFacts): Refusal[] {
  const refusals: Refusal[] = [];
  if (facts.cpuThreads < inputs.cpuThreads) {
    refusals.push({
      path: "cpuThreads",
      found: facts.cpuThreads,
      wanted: `at least ${inputs.cpuThreads}`,
      remedy: "use a larger machine, or lower host.cpuThreads",
    });
  }
  if (facts.memoryMiB < inputs.memoryGiB * 1024 * MEMORY_SLACK) {
    refusals.push({
      path: "memoryGiB",
      found: `${gib(facts.memoryMiB)} GiB`,
      wanted: `at least ${inputs.memoryGiB} GiB`,
      remedy: "fit more memory, or lower host.memoryGiB",
    });
  }
  const rootFreeGiB = facts.managed ? Math.min(1, inputs.rootFreeGiB) : inputs.rootFreeGiB;
  if (facts.rootFreeMiB < rootFreeGiB * 1024) {
    refusals.push({
      path: "rootFreeGiB",
      found: `${gib(facts.rootFreeMiB)} GiB free on /`,
      wanted: `at least ${rootFreeGiB} GiB`,
      remedy: "make room on / (apt-get clean; journalctl --vacuum-size=200M), or lower host.rootFreeGiB",
    });
  }
  return refusals;
}

function refuseGpus({ gpus: wanted }: HostInputs, facts: HostFacts): Refusal[] {
  if (wanted === undefined || wanted.count === 0) return [];
  const all = gpusOf(facts);
  const right = all.filter((gpu) => gpu.model?.toLowerCase().includes(wanted.model.toLowerCase()));
  const present = all.map((gpu) => gpu.model ?? `unnamed GPU at ${gpu.bus}`);
  const refusals: Refusal[] = [];
  if (right.length < wanted.count) {
    refusals.push({
      path: "gpus.count",
      found: present.length === 0 ? "no NVIDIA GPU on the PCI bus" : present.join(", "),
      wanted: `at least ${wanted.count} × ${wanted.model}`,
      remedy:
        "fit the cards (lspci -d 10de: shows what the bus sees), or choose the tier that the machine is",
    });
  }
  const small = right.filter((gpu) => gpu.vramGiB !== undefined && gpu.vramGiB < wanted.vramGiB * VRAM_SLACK);
  if (small.length > 0) {
    refusals.push({
      path: "gpus.vramGiB",
      found: small.map((gpu) => `${gpu.model} at ${gpu.bus}: ${round(gpu.vramGiB ?? 0)} GiB`).join(", "),
      wanted: `at least ${wanted.vramGiB} GiB each`,
      remedy: "use the larger board, or choose the tier that the machine is",
    });
  }
  return refusals;
}

/** racksmith's own: its units, and its containers, which are all named so. */
const OURS = /^(racksmith-[^/]*|container racksmith-.*)$/;

function refusePorts(facts: HostFacts): Refusal[] {
  return facts.ports
    .filter(({ holder }) => !OURS.test(holder))
    .map(({ port, address, process, holder }) => ({
      path: `ports.${port}`,
      found: `${process || "a process"} listens on ${address}:${port}${holder === "" ? "" : ` (${holder})`}`,
      wanted: "a free port",
      remedy: "stop that service, or choose another port in the config",
    }));
}

function gib(mib: number): number {
  return round(mib / 1024);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
