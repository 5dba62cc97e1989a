import { z } from "zod";
import type { Architecture } from "../../../tiers/drivers/architectures.ts";
import { boardOf } from "../../../tiers/drivers/devices.ts";
import type { HostFacts } from "./facts.ts";

/** One GPU of a host. */
export interface Gpu {
  /** `0000:01:00.0`, as the kernel writes it. */
  bus: string;
  /** Undefined for a board that neither a driver nor racksmith's table names. */
  model: string | undefined;
  vramGiB: number | undefined;
  architecture: Architecture | undefined;
  simulated: boolean;
}

const simulatedDescription = z.object({
  gpus: z.array(
    z.object({ name: z.string(), pciBusId: z.string(), pciId: z.string(), memoryMiB: z.number().positive() }),
  ),
});

type Sources = Pick<HostFacts, "pciGpus" | "simulatedGpus" | "driverGpus">;

/**
 * The host's GPUs: what sits on the bus, named by the driver where one answers and by racksmith's table where not;
 * on the virtual rack, its description.
 */
export function gpusOf(facts: Sources): Gpu[] {
  if (facts.simulatedGpus !== "") return simulated(facts.simulatedGpus);
  const named = new Map(facts.driverGpus.flatMap(driverLine));
  return facts.pciGpus.map(({ bus, deviceId, model }) => {
    const board = boardOf(deviceId);
    const driver = named.get(bus);
    return {
      bus,
      model: driver?.model ?? (model || board.name),
      vramGiB: driver?.vramGiB ?? board.vramGiB,
      architecture: board.architecture,
      simulated: false,
    };
  });
}

function driverLine(line: string): [string, { model: string; vramGiB: number | undefined }][] {
  const [bus, model, mib] = line.split(",").map((field) => field.trim());
  if (!bus || !model || mib === undefined) return [];
  const vramGiB = Number(mib) / 1024;
  return [[kernelBus(bus), { model, vramGiB: Number.isFinite(vramGiB) ? vramGiB : undefined }]];
}

/** nvidia-smi writes the PCI domain with eight digits and capitals, the kernel with four and small letters. */
function kernelBus(bus: string): string {
  return bus.toLowerCase().replace(/^0000([0-9a-f]{4}:)/, "$1");
}

function simulated(text: string): Gpu[] {
  const description = simulatedDescription.parse(JSON.parse(text));
  return description.gpus.map(({ name, pciBusId, pciId, memoryMiB }) => ({
    bus: kernelBus(pciBusId),
    model: name,
    vramGiB: memoryMiB / 1024,
    architecture: boardOf(`0x${pciId.split(":")[1] ?? ""}`).architecture,
    simulated: true,
  }));
}
