import { createHash } from "node:crypto";
import { z } from "zod";
import { raidFields, raidIssues } from "../../config/raid.ts";
import { type Change, defineNoun, type Refusal } from "../noun.ts";

const inputs = z.object(raidFields).check((context) => {
  for (const issue of raidIssues(context.value)) {
    context.issues.push({ code: "custom", input: context.value, ...issue });
  }
});

const memberState = z.enum(["in_sync", "rebuilding", "spare", "leaving", "faulty"]);

const facts = z.object({
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
      /** Signatures on it, "ext4 UUID, gpt UUID"; empty when blank. */
      carries: z.string(),
      /** Who mounts or holds it; empty when nobody does. */
      usedBy: z.string(),
      arrayUuid: z.string(),
      arrayName: z.string(),
    }),
  ),
  /** UUID of an array whose creation was begun and never seen to end. */
  creatingUuid: z.string(),
  /** mdadm.conf names the array and the monitoring. */
  configured: z.boolean(),
  webhook: z.boolean(),
});

type Inputs = z.infer<typeof inputs>;
type Facts = z.infer<typeof facts>;
type Disk = Facts["disks"][number];
type FoundArray = NonNullable<Facts["array"]>;

const WORDS = {
  in_sync: "in sync",
  rebuilding: "rebuilding",
  spare: "spare",
  leaving: "being replaced",
  faulty: "failed",
} as const;

/** One md array. See config/raid.ts for the inputs. */
export const raid = defineNoun({
  name: "raid",
  inputs,
  facts,
  secrets: ["monitorWebhook"],
  replaceOn: ["name"],
  compare,
  refuse,
  forObserve: (wanted) => ({
    name: wanted.name,
    disk: [...wanted.members, ...wanted.spares],
    monitor_mail: wanted.monitorMail ?? "",
    webhook_sha256: hashed(wanted.monitorWebhook),
  }),
  forAct: (wanted) => ({
    name: wanted.name,
    level: wanted.level,
    member: wanted.members,
    spare: wanted.spares,
    chunk_kib: wanted.level === 1 ? "" : (wanted.chunkKiB ?? ""),
    bitmap: wanted.bitmap,
    wipe: wanted.wipe,
    monitor_mail: wanted.monitorMail ?? "",
    monitor_webhook: wanted.monitorWebhook ?? "",
    on_delete: wanted.onDelete,
    wipe_uuid: wanted.wipeUuid ?? "",
  }),
});

function compare(wanted: Inputs, found: Facts): Change[] {
  const { array } = found;
  if (array === null) return [absent(wanted, found)];
  const changes: Change[] = [];
  const differs = (path: string, was: unknown, is: unknown, why?: string) =>
    changes.push({ path, found: was, wanted: is, disruption: "none", ...(why === undefined ? {} : { why }) });
  if (!array.running) differs("array", "not started", "running");
  const stateOf = new Map(array.members.map(({ serial, state }) => [serial, state]));
  for (const [serial, state] of stateOf) {
    if (state === "faulty")
      differs(`members.${serial}`, "failed", standIn(wanted, array) ? "removed" : "in sync");
    else if (!named(wanted, serial) && (state === "in_sync" || state === "spare")) {
      differs(`members.${serial}`, WORDS[state], "not in the array", "no longer in members or spares");
    }
  }
  for (const serial of missingMembers(wanted, array)) {
    if (diskOf(found, serial)?.device !== "") differs(`members.${serial}`, "not in the array", "in sync");
  }
  for (const serial of wanted.spares) {
    if (!stateOf.has(serial) && diskOf(found, serial)?.device !== "") {
      differs(`spares.${serial}`, "not in the array", "spare");
    }
  }
  if (wanted.level !== 0 && array.bitmap !== wanted.bitmap) differs("bitmap", array.bitmap, wanted.bitmap);
  if (!found.configured) differs("mdadm.conf", "without this array or its monitoring", "as configured");
  if (!found.webhook) differs("monitorWebhook", "another or none", "as configured");
  return changes;
}

function absent(wanted: Inputs, found: Facts): Change {
  const stopped = found.disks.some((disk) => isStopped(wanted, found, disk));
  const wiped = wanted.members.filter((serial) => diskOf(found, serial)?.carries && !stopped);
  return {
    path: "array",
    found: stopped ? "not assembled" : "none",
    wanted: `RAID ${wanted.level} of ${wanted.members.join(", ")}`,
    disruption: wiped.length > 0 && found.creatingUuid === "" ? "data loss" : "none",
    ...(wiped.length > 0 ? { why: `what ${wiped.join(", ")} carries is destroyed, as wipe says` } : {}),
  };
}

function refuse(wanted: Inputs, found: Facts): Refusal[] {
  const { array } = found;
  const refusals: Refusal[] = array === null ? [] : fixed(wanted, array);
  if (array === null && found.disks.some((disk) => isStopped(wanted, found, disk))) return refusals;
  for (const serial of toClaim(wanted, found)) {
    const disk = diskOf(found, serial);
    if (disk !== undefined) refusals.push(...claimRefusals(wanted, found, disk));
  }
  return refusals;
}

/** Properties of an array that are never changed in place. */
function fixed(wanted: Inputs, array: FoundArray): Refusal[] {
  const remedy = `data on the array would be lost. Set it back, or move the data away and destroy the array with onDelete: wipe and wipeUuid: ${array.uuid}`;
  const refusals: Refusal[] = [];
  const held = array.members.map((member) => member.serial);
  if (array.level !== null && array.level !== wanted.level) {
    refusals.push({ path: "level", found: array.level, wanted: wanted.level, remedy });
  }
  if (
    wanted.level !== 1 &&
    wanted.chunkKiB !== undefined &&
    array.running &&
    array.chunkKiB !== wanted.chunkKiB
  ) {
    refusals.push({ path: "chunkKiB", found: array.chunkKiB, wanted: wanted.chunkKiB, remedy });
  }
  if (array.memberCount > 0 && array.memberCount !== wanted.members.length) {
    refusals.push({
      path: "members",
      found: `${array.memberCount} members`,
      wanted: `${wanted.members.length} members`,
      remedy,
    });
  }
  if (held.length > 0 && !held.some((serial) => named(wanted, serial))) {
    refusals.push({
      path: "members",
      found: `array ${array.uuid} on ${held.join(", ")}`,
      wanted: wanted.members.join(", "),
      remedy: "none of its disks is named here: name them, or give this array another name",
    });
  }
  return refusals;
}

/** Why a disk cannot be given to the array. */
function claimRefusals(wanted: Inputs, found: Facts, disk: Disk): Refusal[] {
  const path = `${wanted.members.includes(disk.serial) ? "members" : "spares"}.${disk.serial}`;
  const refusal = (was: string, is: string, remedy: string) => [{ path, found: was, wanted: is, remedy }];
  if (disk.device === "") {
    if (found.array !== null && (wanted.allowDegraded || spareAtHand(wanted, found))) return [];
    return refusal(
      "no such disk in this machine",
      "a disk with this serial",
      "`lsblk -dno NAME,SERIAL,SIZE` lists the disks. Put the serial of its replacement here, or set allowDegraded: true",
    );
  }
  if (disk.device === "ambiguous") {
    return refusal("several disks with this serial", "one", "name a disk whose serial is its own");
  }
  const half = found.creatingUuid !== "" && disk.arrayUuid === found.creatingUuid;
  const own = found.array !== null && disk.arrayUuid === found.array.uuid;
  if (half || own) return [];
  const mayWipe = wanted.wipe.includes(disk.serial);
  if (disk.carries !== "" && !mayWipe) {
    return refusal(
      `${disk.device}, ${gib(disk.sizeBytes)} GiB, carries ${disk.carries}`,
      "a blank disk",
      `all on it would be lost. If that may be, put its serial into wipe: [${disk.serial}]`,
    );
  }
  // A holder md array is looked at by the script: it may be an old one whose disks may all be wiped.
  if (disk.usedBy !== "" && !(mayWipe && /^held by md\d/.test(disk.usedBy))) {
    return refusal(
      `${disk.device}: ${disk.usedBy}`,
      "a disk that nobody uses",
      "free it first, or name another disk",
    );
  }
  return [];
}

/** Disks that the next act would put into the array. */
function toClaim(wanted: Inputs, { array }: Facts): string[] {
  if (array === null) return [...wanted.members, ...wanted.spares];
  const held = new Set(array.members.map((member) => member.serial));
  return [...missingMembers(wanted, array), ...wanted.spares.filter((serial) => !held.has(serial))];
}

/** Named members that are not in the array while a place is free. */
function missingMembers(wanted: Inputs, array: FoundArray): string[] {
  const held = new Set(array.members.map((member) => member.serial));
  const free = wanted.members.length - array.members.filter(({ state }) => state !== "faulty").length;
  return free > 0 ? wanted.members.filter((serial) => !held.has(serial)) : [];
}

/** Every place is taken by a working disk, so a failed one is only in the way. */
function standIn(wanted: Inputs, array: FoundArray): boolean {
  return array.members.filter(({ state }) => state !== "faulty").length >= wanted.members.length;
}

function spareAtHand(wanted: Inputs, found: Facts): boolean {
  const held = new Set(found.array?.members.map((member) => member.serial));
  return wanted.spares.some((serial) => !held.has(serial) && (diskOf(found, serial)?.device ?? "") !== "");
}

/** The disk carries this array, which was made to the end and is just not assembled. */
function isStopped(wanted: Inputs, found: Facts, disk: Disk): boolean {
  return disk.arrayName === `racksmith:${wanted.name}` && disk.arrayUuid !== found.creatingUuid;
}

function named(wanted: Inputs, serial: string): boolean {
  return wanted.members.includes(serial) || wanted.spares.includes(serial);
}

function diskOf(found: Facts, serial: string): Disk | undefined {
  return found.disks.find((disk) => disk.serial === serial);
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}

/** Lets observe tell whether the webhook on the host is this one, without sending it. */
function hashed(url: string | undefined): string {
  return url === undefined ? "" : createHash("sha256").update(url).digest("hex");
}
