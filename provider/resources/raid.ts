import { createHash } from "node:crypto";
import { type Change, defineNoun } from "../noun.ts";
import {
  diskOf,
  type Facts,
  type FoundArray,
  facts,
  type Inputs,
  inputs,
  isStopped,
  missingMembers,
  named,
  works,
} from "./raid/model.ts";
import { refuse } from "./raid/refuse.ts";

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
  const joins = (path: string, serial: string, as: string) => {
    const disk = diskOf(found, serial);
    const lost =
      disk !== undefined && disk.carries !== "" && (disk.arrayUuid !== array.uuid || disk.wentApart);
    const why = lost ? { why: `what ${serial} carries is destroyed, as wipe says` } : {};
    const disruption = lost ? "data loss" : "none";
    changes.push({ path, found: "not in the array", wanted: as, disruption, ...why });
  };
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
    if (works(diskOf(found, serial))) joins(`members.${serial}`, serial, "in sync");
  }
  for (const serial of wanted.spares) {
    if (!stateOf.has(serial) && works(diskOf(found, serial))) {
      joins(`spares.${serial}`, serial, "spare");
    }
  }
  if (wanted.level !== 0 && array.bitmap !== wanted.bitmap) differs("bitmap", array.bitmap, wanted.bitmap);
  if (found.creatingUuid !== "") {
    differs("creation", `still written down as begun, ${found.creatingUuid}`, "over, as the array is there");
  }
  if (!found.configured) differs("mdadm.conf", "without this array or its monitoring", "as configured");
  if (found.initramfsDue) differs("initramfs", "made before mdadm.conf was changed", "rebuilt");
  if (!found.webhook) differs("monitorWebhook", "another, none, or nothing to call it with", "as configured");
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

/** Every place is taken by a working disk, so a failed one is only in the way. */
function standIn(wanted: Inputs, array: FoundArray): boolean {
  return array.members.filter(({ state }) => state !== "faulty").length >= wanted.members.length;
}

/** Lets observe tell whether the webhook on the host is this one, without sending it. */
function hashed(url: string | undefined): string {
  return url === undefined ? "" : createHash("sha256").update(url).digest("hex");
}
