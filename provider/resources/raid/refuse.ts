import type { Refusal } from "../../noun.ts";
import {
  type Disk,
  diskOf,
  type Facts,
  type FoundArray,
  type Inputs,
  isStopped,
  missingMembers,
  named,
  UNREADABLE,
  works,
} from "./model.ts";

/** What no act on the array may mend. */
export function refuse(wanted: Inputs, found: Facts): Refusal[] {
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
  const madeUpFor = found.array !== null && (wanted.allowDegraded || spareAtHand(wanted, found));
  if (!works(disk) && madeUpFor) return [];
  if (disk.carries === UNREADABLE) {
    return refusal(
      `${disk.device}: listed, but cannot be read`,
      "a disk that works",
      "check its cabling or replace it, and put the serial of its replacement here; or set allowDegraded: true",
    );
  }
  if (disk.device === "") {
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
  const mayWipe = wanted.wipe.includes(disk.serial);
  if (half || (own && !disk.wentApart)) return [];
  if (own && !mayWipe) {
    return refusal(
      `${disk.device} was written to apart from the array that it belonged to`,
      "an older half: what each holds the other may not",
      `look which one is to be kept, and take this disk out until then. If what it holds may go, put its serial into wipe: [${disk.serial}]`,
    );
  }
  if (!own && disk.ranHere) {
    return refusal(
      `${disk.device} belongs to array ${disk.arrayName} (${disk.arrayUuid}), which has run on this host`,
      "a blank disk; wipe does not reach this one",
      `give the array its name back; or destroy it with onDelete: wipe and wipeUuid: ${disk.arrayUuid}; or take its line out of /etc/mdadm/mdadm.conf on the host`,
    );
  }
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

function spareAtHand(wanted: Inputs, found: Facts): boolean {
  const held = new Set(found.array?.members.map((member) => member.serial));
  return wanted.spares.some((serial) => !held.has(serial) && works(diskOf(found, serial)));
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
