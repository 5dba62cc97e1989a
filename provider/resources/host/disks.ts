import type { Refusal } from "../../noun.ts";
import type { Disk, HostFacts } from "./facts.ts";
import type { HostInputs } from "./refuse.ts";

/** What is wrong with the disks that are to carry data: absent, too small, in use, or carrying somebody's data. */
export function refuseDisks(inputs: HostInputs, facts: HostFacts): Refusal[] {
  const built = carriesArray(inputs, facts);
  return inputs.disks.flatMap((serial) => {
    const found = facts.disks.filter((disk) => disk.serial === serial);
    const [disk] = found;
    // Once the array is there, raid decides about a lost disk: a spare or allowDegraded may make up for it.
    if (disk === undefined) return built ? [] : [missing(serial, facts)];
    if (found.length > 1) return [ambiguous(serial, found)];
    return [...tooSmall(disk, inputs), ...inUse(disk, inputs)];
  });
}

function missing(serial: string, facts: HostFacts): Refusal {
  const others = facts.disks
    .filter((disk) => disk.serial !== "")
    .map((disk) => `${disk.serial} (${disk.path})`);
  return {
    path: `disks.${serial}`,
    found: others.length === 0 ? "no disk with a serial number" : `only ${others.join(", ")}`,
    wanted: `a disk with serial ${serial}`,
    remedy: "correct the serial in the config (lsblk -dno NAME,SERIAL,SIZE), or check the cabling",
  };
}

function ambiguous(serial: string, disks: readonly Disk[]): Refusal {
  return {
    path: `disks.${serial}`,
    found: `${disks.map((disk) => disk.path).join(" and ")} carry it`,
    wanted: "one disk",
    remedy: "multipath or a cloned virtual disk: give each its own serial",
  };
}

function tooSmall(disk: Disk, { diskGB }: HostInputs): Refusal[] {
  if (disk.sizeBytes >= diskGB * 1e9) return [];
  return [
    {
      path: `disks.${disk.serial}`,
      found: `${disk.path} has ${round(disk.sizeBytes / 1e9)} GB`,
      wanted: `at least ${diskGB} GB`,
      remedy: "use a larger disk, or lower host.diskGB",
    },
  ];
}

function inUse(disk: Disk, inputs: HostInputs): Refusal[] {
  const strange = disk.signatures.filter(({ type, label }) => !isOurs(type, label, inputs.arrays));
  const ours = disk.signatures.length > strange.length;
  if (disk.mounts.length > 0 && !ours) {
    return [
      {
        path: `disks.${disk.serial}`,
        found: `${disk.path} is mounted at ${disk.mounts.join(", ")}`,
        wanted: "a disk that nothing uses",
        remedy: "choose another disk, or unmount it and take its data elsewhere",
      },
    ];
  }
  if (strange.length === 0 || inputs.wipe.includes(disk.serial)) return [];
  const data = strange.map(({ device, type, uuid, label }) =>
    [type, label && `"${label}"`, uuid, `on ${device}`].filter(Boolean).join(" "),
  );
  return [
    {
      path: `disks.${disk.serial}`,
      found: `${disk.path} carries ${data.join("; ")}`,
      wanted: "an empty disk",
      remedy: `its contents would be lost: take them elsewhere, then name ${disk.serial} in raid.wipe`,
    },
  ];
}

/** A disk that is to carry data is a member of the array already. */
function carriesArray({ disks, arrays }: HostInputs, facts: HostFacts): boolean {
  const named = facts.disks.filter((disk) => disks.includes(disk.serial));
  return named.some(({ signatures }) => signatures.some(({ type, label }) => isOurs(type, label, arrays)));
}

/** mdadm labels a member `HOMEHOST:NAME`. */
function isOurs(type: string, label: string, arrays: readonly string[]): boolean {
  return type === "linux_raid_member" && arrays.includes(label.slice(label.indexOf(":") + 1));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
