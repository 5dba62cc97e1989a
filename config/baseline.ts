import { z } from "zod";
import { portNumber } from "./common.ts";

const sysctlKey = z
  .string()
  .max(128)
  .regex(/^[a-z0-9_]+(\.[A-Za-z0-9_-]+)+$/, "must be a sysctl name such as vm.swappiness");

const sysctlValue = z.union([
  z.int(),
  z
    .string()
    .max(256)
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9 .,:_/-]*$/,
      "must be a number or words of letters, digits and . , : _ / -",
    ),
]);

const ntpServer = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9][A-Za-z0-9.:-]*$/, "must be a host name or an address");

const cidr = z.union([z.cidrv4(), z.cidrv6()], { error: "must be a network such as 10.0.0.0/8 or fd00::/8" });

/** A port that the firewall opens, to everybody or to some networks. */
export const firewallRule = z.strictObject({
  port: portNumber.describe("the port"),
  protocol: z.enum(["tcp", "udp"]).default("tcp").describe("tcp or udp"),
  from: z.array(cidr).max(64).default([]).describe("networks that may reach it; empty is everybody"),
});

/** What config and resource share. Defaults are what an inference server wants whatever its tier. */
export const baselineFields = {
  timeSync: z
    .strictObject({
      enabled: z.boolean().default(true).describe("install and start a time service where none runs"),
      servers: z.array(ntpServer).max(8).default([]).describe("NTP servers; empty leaves the system's own"),
    })
    .prefault({})
    .describe("time synchronisation"),
  sysctl: z
    .record(sysctlKey, sysctlValue)
    .default({ "kernel.panic": 30, "net.core.somaxconn": 4096, "vm.swappiness": 10 })
    .describe("kernel settings, kept across reboots"),
  memlock: z
    .enum(["unlimited", "system"])
    .default("unlimited")
    .describe(
      "how much memory services and logins may pin: unlimited lets weights stay in memory, system leaves it",
    ),
  transparentHugePages: z
    .enum(["madvise", "never", "always", "system"])
    .default("madvise")
    .describe("madvise: only for programs that ask; system leaves it"),
  swap: z
    .enum(["off", "zram", "system"])
    .default("off")
    .describe(
      "off: nothing from memory (keys, prompts) reaches a disk; zram: compressed memory only; system leaves it",
    ),
  blacklistNouveau: z.boolean().default(true).describe("keep the open-source driver from taking the GPUs"),
  protectGpuPackages: z
    .boolean()
    .default(true)
    .describe("keep unattended-upgrades off drivers, CUDA, DCGM and the container toolkit"),
  journal: z
    .strictObject({
      maxMiB: z.int().min(16).max(1_048_576).default(1024).describe("space that the journal may take"),
      maxDays: z.int().min(1).max(3650).default(90).describe("age at which entries go"),
    })
    .prefault({})
    .describe("limits of the systemd journal"),
  firewall: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe("an nftables table of racksmith's own; others stay as they are"),
      allow: z
        .array(firewallRule)
        .max(128)
        .default([])
        .describe("what may come in beside SSH, ping and answers"),
    })
    .prefault({})
    .describe("what may come in; the gateway's port is opened by itself"),
};

/** `racksmith:baseline`: the settings of the system below everything else. */
export const baselineConfig = z.strictObject(baselineFields);
export type BaselineConfig = z.output<typeof baselineConfig>;

/** Wired by the component. */
export const baselineWiring = {
  sshPort: portNumber.default(22).describe("the port racksmith comes in by: no firewall may close it"),
};
