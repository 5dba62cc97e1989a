import { z } from "zod";
import { httpUrl } from "./common.ts";
import { secretText } from "./secret.ts";

/** A disk's serial number as `lsblk -o NAME,SERIAL` prints it. */
export const diskSerial = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$/,
    "must be a disk serial as `lsblk -dno NAME,SERIAL` prints it",
  );

/** The UUID of an md array as `mdadm --detail` prints it. */
export const arrayUuid = z
  .string()
  .regex(/^[0-9a-f]{8}(:[0-9a-f]{8}){3}$/, "must be an array UUID as `mdadm --detail` prints it");

/** Name of an array: /dev/md/NAME. A superblock has 32 bytes for it, with `racksmith:` before it and a zero behind. */
export const arrayName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,20}$/, "must be a lower-case letter, then up to 20 of a-z 0-9 -");

const level = z.union([z.literal(0), z.literal(1), z.literal(10)], { error: "must be 0, 1 or 10" });

/** The fields that config and resource share. */
export const raidFields = {
  name: arrayName.default("racksmith").describe("the array is /dev/md/NAME"),
  level: level
    .default(1)
    .describe("0: all space, no redundancy; 1: mirror; 10: mirrored stripes. Never changed in place"),
  members: z
    .array(diskSerial)
    .min(2)
    .max(32)
    .describe("serials of the disks to use; no other disk is touched"),
  spares: z
    .array(diskSerial)
    .max(8)
    .default([])
    .describe("serials of disks that stand in for a failed member"),
  chunkKiB: z
    .int()
    .min(4)
    .max(65_536)
    .refine((size) => (size & (size - 1)) === 0, { message: "must be a power of two" })
    .optional()
    .describe("stripe chunk of levels 0 and 10; mdadm's own default is 512. Never changed in place"),
  bitmap: z
    .boolean()
    .default(true)
    .describe(
      "internal write-intent bitmap: after a power cut only what was being written is resynchronised",
    ),
  allowDegraded: z
    .boolean()
    .default(false)
    .describe("let a deployment go on while a member is missing and nothing can stand in for it"),
  wipe: z
    .array(diskSerial)
    .max(32)
    .default([])
    .describe("DATA LOSS: serials of disks whose present contents may be destroyed to build the array"),
  monitorMail: z
    .email()
    .max(254)
    .optional()
    .describe("mail address for array events (needs a mailer on the host)"),
  onDelete: z.enum(["keep", "wipe"]).default("keep").describe("what destroy does with the array"),
  wipeUuid: arrayUuid
    .optional()
    .describe("DATA LOSS: with onDelete: wipe, the UUID of the array that may be destroyed"),
};

interface RaidChoice {
  level: 0 | 1 | 10;
  members: readonly string[];
  spares: readonly string[];
  wipe: readonly string[];
  chunkKiB?: number | undefined;
}

interface Issue {
  path: (string | number)[];
  message: string;
}

/** Rules that span fields. */
export function raidIssues(raid: RaidChoice): Issue[] {
  const issues: Issue[] = [];
  const disks = [...raid.members, ...raid.spares];
  const twice = disks.filter((serial, at) => disks.indexOf(serial) !== at);
  if (twice.length > 0)
    issues.push({ path: ["members"], message: `names ${twice.join(", ")} more than once` });
  if (raid.level === 10 && raid.members.length % 2 === 1) {
    issues.push({ path: ["members"], message: "level 10 needs an even number of disks" });
  }
  if (raid.level === 0 && raid.spares.length > 0) {
    issues.push({ path: ["spares"], message: "level 0 has no redundancy, so no spare can stand in" });
  }
  if (raid.level === 1 && raid.chunkKiB !== undefined) {
    issues.push({ path: ["chunkKiB"], message: "level 1 has no chunks" });
  }
  const strangers = raid.wipe.filter((serial) => !disks.includes(serial));
  if (strangers.length > 0) {
    issues.push({ path: ["wipe"], message: `${strangers.join(", ")} is neither a member nor a spare` });
  }
  return issues;
}

/** `racksmith:raid`: one md array over disks named by serial. */
export const raidConfig = z
  .strictObject({
    ...raidFields,
    monitorWebhook: secretText
      .refine((url) => httpUrl.safeParse(url.reveal()).success, { message: "must be an http or https URL" })
      .optional()
      .describe("gets a JSON POST for each array event; often holds a token, so a secret"),
  })
  .check((context) => {
    for (const issue of raidIssues(context.value)) {
      context.issues.push({ code: "custom", input: context.value, ...issue });
    }
  });
export type RaidConfig = z.output<typeof raidConfig>;
