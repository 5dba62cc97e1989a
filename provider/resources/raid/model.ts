import { z } from "zod";
import { httpUrl } from "../../../config/common.ts";
import { raidFields, raidIssues } from "../../../config/raid.ts";

export const inputs = z.object({ ...raidFields, monitorWebhook: httpUrl.optional() }).check((context) => {
  for (const issue of raidIssues(context.value)) {
    context.issues.push({ code: "custom", input: context.value, ...issue });
  }
});

/** What observe says that a disk carries which is listed and cannot be opened. */
export const UNREADABLE = "unreadable";

const memberState = z.enum(["in_sync", "rebuilding", "spare", "leaving", "faulty"]);

export const facts = z.object({
  array: z
    .object({
      uuid: z.string(),
      /** Kernel device, such as /dev/md127. */
      device: z.string(),
      running: z.boolean(),
      level: z.number().nullable(),
      chunkKiB: z.number(),
      bitmap: z.boolean(),
      memberCount: z.number(),
      members: z.array(z.object({ serial: z.string(), state: memberState })),
    })
    .nullable(),
  disks: z.array(
    z.object({
      serial: z.string(),
      /** Empty when no disk has this serial; `ambiguous` when several have. */
      device: z.string(),
      sizeBytes: z.number(),
      /** Signatures on it, "ext4 UUID, gpt UUID"; empty when blank; `unreadable` when it cannot be opened. */
      carries: z.string(),
      /** Who mounts or holds it; empty when nobody does. */
      usedBy: z.string(),
      arrayUuid: z.string(),
      arrayName: z.string(),
      /** A former member of the running array that may hold what this does not: never put back without `wipe`. */
      wentApart: z.boolean(),
      /** It belongs to an array of racksmith's, this one or another, that has run on this host. */
      ranHere: z.boolean(),
    }),
  ),
  /** UUID of an array whose creation was begun and not written down to have ended: made anew unless it runs. */
  creatingUuid: z.string(),
  /** mdadm.conf names the array and the monitoring. */
  configured: z.boolean(),
  /** The initramfs may carry an older mdadm.conf. */
  initramfsDue: z.boolean(),
  /** The wanted webhook stands on the host, and what calls it is installed. */
  webhook: z.boolean(),
});

export type Inputs = z.infer<typeof inputs>;
export type Facts = z.infer<typeof facts>;
export type Disk = Facts["disks"][number];
export type FoundArray = NonNullable<Facts["array"]>;

/** Named members that are not in the array while a place is free. */
export function missingMembers(wanted: Inputs, array: FoundArray): string[] {
  const held = new Set(array.members.map((member) => member.serial));
  const free = wanted.members.length - array.members.filter(({ state }) => state !== "faulty").length;
  return free > 0 ? wanted.members.filter((serial) => !held.has(serial)) : [];
}

/** The disk carries this array, which was made to the end and is just not assembled. */
export function isStopped(wanted: Inputs, found: Facts, disk: Disk): boolean {
  return disk.arrayName === `racksmith:${wanted.name}` && disk.arrayUuid !== found.creatingUuid;
}

export function named(wanted: Inputs, serial: string): boolean {
  return wanted.members.includes(serial) || wanted.spares.includes(serial);
}

/** The disk is in this machine and can be read. A dead one may still be listed. */
export function works(disk: Disk | undefined): boolean {
  return disk !== undefined && disk.device !== "" && disk.carries !== UNREADABLE;
}

export function diskOf(found: Facts, serial: string): Disk | undefined {
  return found.disks.find((disk) => disk.serial === serial);
}
