import { z } from "zod";
import { secretText } from "./secret.ts";

/** Where the opened vault is mounted on every node. */
export const vaultMountPoint = "/srv/racksmith/vault";

/** Shortest vault key. The key is a passphrase behind argon2id; 20 characters of `openssl rand -base64` hold 120 bits. */
export const vaultKeyMinCharacters = 12;

/** A filesystem, LUKS or partition table UUID as `blkid` prints it. */
export const deviceUuid = z
  .string()
  .regex(/^[0-9A-Fa-f]{4,8}(-[0-9A-Fa-f]{4,12}){0,4}$/, "must be a UUID as `blkid -p DEVICE` prints it");

const pcr = z.int().min(0).max(23);

/** The fields that config and resource share. */
export const vaultFields = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/, "must be a lower-case letter, then up to 30 of a-z 0-9 -")
    .default("vault")
    .describe("the opened volume is /dev/mapper/racksmith-NAME"),
  unlock: z
    .enum(["operator", "tpm2"])
    .default("operator")
    .describe(
      "operator: after a reboot the volume stays closed until `up` brings the key. tpm2: the machine's TPM opens it unaided; the key stays as recovery",
    ),
  tpm2Pcrs: z
    .array(pcr)
    .max(24)
    .default([7])
    .describe("PCRs the TPM must find unchanged (7: Secure Boot state); empty binds to the TPM alone"),
  sectorSizeBytes: z
    .union([z.literal(512), z.literal(4096)], { error: "must be 512 or 4096" })
    .default(4096)
    .describe("encryption sector; fixed when the volume is made"),
  workqueues: z
    .boolean()
    .default(false)
    .describe("true queues encryption to kernel threads; false encrypts in place, faster on NVMe"),
  pbkdfMemoryMiB: z
    .int()
    .min(32)
    .max(4096)
    .default(1024)
    .describe("upper bound of argon2id's memory; an eighth of the host's memory where that is less"),
  pbkdfTimeMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(2000)
    .describe("time that trying one key takes on the host"),
  reformat: deviceUuid
    .optional()
    .describe("DATA LOSS: the UUID of what the device carries now, which may be destroyed"),
  onDelete: z.enum(["keep", "wipe"]).default("keep").describe("what destroy does with the encrypted volume"),
  wipeUuid: deviceUuid
    .optional()
    .describe("DATA LOSS: with onDelete: wipe, the UUID of the LUKS volume whose keys may be destroyed"),
};

/** `racksmith:vault`: the SM4 volume that holds the weights. */
export const vaultConfig = z.strictObject({
  ...vaultFields,
  key: secretText
    .refine((key) => key.reveal().length >= vaultKeyMinCharacters, {
      message: `must have at least ${vaultKeyMinCharacters} characters`,
    })
    .describe(
      `the operator's key, at least ${vaultKeyMinCharacters} characters: \`pulumi config set --secret --path vault.key\``,
    ),
  device: z
    .string()
    .regex(/^\/dev\/[A-Za-z0-9/_.:+-]+$/, "must be a device path such as /dev/md/racksmith")
    .refine((path) => !path.includes("/../") && !path.endsWith("/.."), { message: "must not contain .." })
    .optional()
    .describe("the device to encrypt; the raid section's array when left out"),
});
export type VaultConfig = z.output<typeof vaultConfig>;
