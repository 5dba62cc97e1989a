import { z } from "zod";
import { vaultFields, vaultKeyMinCharacters, vaultMountPoint } from "../../config/vault.ts";
import { type Change, defineNoun, type Refusal } from "../noun.ts";

const CIPHER = "sm4-xts-plain64";

const inputs = z.object({
  ...vaultFields,
  /** The device to encrypt, such as /dev/md/racksmith. */
  device: z.string().regex(/^\/dev\/[A-Za-z0-9/_.:+-]+$/, "must be a device path"),
  /** The operator's key: made the volume, opens it, stays as recovery under tpm2. */
  key: z
    .string()
    .min(vaultKeyMinCharacters, `must have at least ${vaultKeyMinCharacters} characters`)
    .max(512, "must have at most 512 characters"),
});

const facts = z.object({
  /** Kernel device, such as /dev/md127; empty while there is none. */
  device: z.string(),
  /** Signatures on it, "crypto_LUKS UUID"; empty when blank. */
  carries: z.string(),
  /** Who else mounts or holds it. */
  usedBy: z.string(),
  header: z
    .object({
      uuid: z.string(),
      label: z.string(),
      /** Its making was seen to its end. */
      ready: z.boolean(),
      /** Empty where cryptsetup is not installed yet. */
      cipher: z.string(),
      sectorSizeBytes: z.number().nullable(),
      keyBits: z.number().nullable(),
      /** PCRs of the TPM's key slot; null without one. */
      tpm2Pcrs: z.array(z.number()).nullable(),
    })
    .nullable(),
  /** UUID of a volume whose making was begun and not written down to have ended: made anew unless it is ready. */
  formattingUuid: z.string(),
  /** What the kernel runs; null while closed. */
  open: z
    .object({
      cipher: z.string(),
      onDevice: z.boolean(),
      keyBits: z.number().nullable(),
      sectorSizeBytes: z.number(),
      workqueues: z.boolean(),
    })
    .nullable(),
  /** "SOURCE FSTYPE" of the mount point; empty when nothing is mounted. */
  mounted: z.string(),
  boot: z.boolean(),
  tpm: z.boolean(),
});

type Inputs = z.infer<typeof inputs>;
type Facts = z.infer<typeof facts>;

/** The SM4 volume. See config/vault.ts for the inputs. */
export const vault = defineNoun({
  name: "vault",
  inputs,
  facts,
  secrets: ["key"],
  triedByAct: ["key"],
  replaceOn: ["name", "device"],
  compare,
  refuse,
  forObserve: ({ name, device, unlock, workqueues }) => ({ name, device, unlock, workqueues }),
  forAct: (wanted) => ({
    name: wanted.name,
    device: wanted.device,
    key: wanted.key,
    unlock: wanted.unlock,
    tpm2_pcrs: sortedPcrs(wanted.tpm2Pcrs).join("+"),
    sector_size: wanted.sectorSizeBytes,
    workqueues: wanted.workqueues,
    pbkdf_memory_mib: wanted.pbkdfMemoryMiB,
    pbkdf_time_ms: wanted.pbkdfTimeMs,
    reformat: wanted.reformat ?? "",
    on_delete: wanted.onDelete,
    wipe_uuid: wanted.wipeUuid ?? "",
  }),
});

function compare(wanted: Inputs, found: Facts): Change[] {
  const { header, open } = found;
  const volume = `open ${CIPHER} volume`;
  if (header === null || authorised(wanted, found)) {
    const carries = found.carries;
    return [
      {
        path: "volume",
        found: carries === "" ? "none" : carries,
        wanted: volume,
        disruption: carries === "" || ownHalfMade(found) ? "none" : "data loss",
        ...(carries === "" ? {} : { why: `${found.device} carries it; reformat says that it may go` }),
      },
    ];
  }
  const changes: Change[] = [];
  const differs = (path: string, was: unknown, is: unknown, disruption: Change["disruption"] = "none") =>
    changes.push({ path, found: was, wanted: is, disruption });
  if (open === null) differs("volume", "closed", volume);
  else if (!header.ready) differs("volume", "half-made", volume);
  else if (open.cipher !== CIPHER) differs("cipher", open.cipher, CIPHER);
  else if (!open.onDevice) differs("device", "the open volume lies on another device", wanted.device);
  if (header.ready && found.formattingUuid !== "") {
    differs(
      "creation",
      `still written down as begun, ${found.formattingUuid}`,
      "over, as the volume is ready",
    );
  }
  const source = `/dev/mapper/racksmith-${wanted.name} xfs`;
  if (found.mounted !== source) {
    differs("mount", found.mounted || "nothing", `${source} at ${vaultMountPoint}`);
  }
  if (open !== null && open.workqueues !== wanted.workqueues) {
    differs("workqueues", open.workqueues, wanted.workqueues, "reload");
  }
  const bound = slot(header.tpm2Pcrs);
  const binding = wanted.unlock === "tpm2" ? slot(wanted.tpm2Pcrs) : slot(null);
  if (bound !== binding) differs("unlock", bound, binding);
  if (!found.boot) differs("boot", "units or crypttab differ", `comes up by policy ${wanted.unlock}`);
  return changes;
}

function refuse(wanted: Inputs, found: Facts): Refusal[] {
  const refusals: Refusal[] = [];
  if (wanted.unlock === "tpm2" && !found.tpm) {
    refusals.push({
      path: "unlock",
      found: "no TPM on this host",
      wanted: "tpm2",
      remedy: "switch the TPM on in the firmware, or set unlock: operator",
    });
  }
  if (found.usedBy !== "") {
    refusals.push({
      path: "device",
      found: `${found.device}: ${found.usedBy}`,
      wanted: "a device that nobody else uses",
      remedy: "unmount or close what uses it, or name another device",
    });
  }
  if (found.carries !== "" && !authorised(wanted, found) && !ownHalfMade(found)) {
    refusals.push(...contents(wanted, found));
  }
  return refusals;
}

/** What is on the device and may not be destroyed. */
function contents(wanted: Inputs, { carries, device, header }: Facts): Refusal[] {
  const label = `racksmith-${wanted.name}`;
  const authorise = "all of it would be lost. If that may be, put its UUID into reformat";
  if (header === null) {
    return [
      { path: "device", found: `${device} carries ${carries}`, wanted: "a blank device", remedy: authorise },
    ];
  }
  if (header.label !== label) {
    const was = `${device} carries LUKS volume ${header.uuid}, label ${JSON.stringify(header.label)}`;
    return [{ path: "device", found: was, wanted: `a volume with label ${label}`, remedy: authorise }];
  }
  if (header.cipher !== "" && header.cipher !== CIPHER) {
    return [{ path: "cipher", found: header.cipher, wanted: CIPHER, remedy: `${authorise}: ${header.uuid}` }];
  }
  return [];
}

/** The user typed in the UUID of what is there now. Once it is gone, the word no longer applies. */
function authorised(wanted: Inputs, found: Facts): boolean {
  return wanted.reformat !== undefined && found.carries.split(/[ ,]+/).includes(wanted.reformat);
}

function ownHalfMade(found: Facts): boolean {
  return found.formattingUuid !== "" && found.carries.split(/[ ,]+/).includes(found.formattingUuid);
}

function slot(pcrs: readonly number[] | null): string {
  return pcrs === null ? "no TPM key slot" : `TPM key slot on PCRs ${sortedPcrs(pcrs).join("+") || "none"}`;
}

function sortedPcrs(pcrs: readonly number[]): number[] {
  return [...new Set(pcrs)].sort((a, b) => a - b);
}
