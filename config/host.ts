import { z } from "zod";
import { DISTRIBUTIONS } from "../tiers/drivers/packages.ts";
import { portNumber } from "./common.ts";
import { diskSerial } from "./raid.ts";

/** What GPUs a host must have. */
export const gpuRequirement = z.strictObject({
  model: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9 ._/+-]+$/, "must be part of the name that nvidia-smi prints, such as RTX 4090")
    .describe("part of the name that nvidia-smi prints"),
  count: z.int().min(0).max(64).describe("least number of such cards"),
  vramGiB: z.number().positive().max(4096).describe("least memory of each, as the vendor rounds it"),
});

/** The fields that config and resource share. */
export const hostFields = {
  os: z
    .array(z.enum(DISTRIBUTIONS))
    .min(1)
    .default([...DISTRIBUTIONS])
    .describe("systems allowed, ID and VERSION_ID of /etc/os-release"),
  cpuThreads: z.int().min(1).max(4096).default(1).describe("least number of hardware threads"),
  memoryGiB: z.number().positive().max(65_536).default(1).describe("least main memory as fitted"),
  rootFreeGiB: z
    .number()
    .positive()
    .max(65_536)
    .default(10)
    .describe("least free space on / before anything is installed"),
  gpus: gpuRequirement.optional().describe("cards it must have; count: 0 is a host without GPUs"),
  diskGB: z
    .number()
    .positive()
    .max(1_000_000)
    .default(1)
    .describe("least size of each data disk, in units of 10^9 bytes"),
  secureBoot: z
    .enum(["refuse", "allow"])
    .default("refuse")
    .describe(
      "whether firmware that loads only signed modules is fine: the driver and SM4 modules are built on the host",
    ),
};

/** `racksmith:host`: what a machine must be before it is touched. */
export const hostConfig = z.strictObject(hostFields);
export type HostConfig = z.output<typeof hostConfig>;

/** What the other sections of the host make of it; wired by the component, not by the user. */
export const hostWiring = {
  disks: z.array(diskSerial).max(64).default([]).describe("serials of the disks that will carry data"),
  wipe: z
    .array(diskSerial)
    .max(64)
    .default([])
    .describe("of these, the ones whose contents may be destroyed"),
  arrays: z
    .array(z.string().max(64))
    .max(16)
    .default([])
    .describe("names of racksmith's own arrays: their members are no strangers"),
  ports: z
    .array(portNumber)
    .max(64)
    .default([])
    .describe("TCP ports that racksmith's services will listen on"),
};
