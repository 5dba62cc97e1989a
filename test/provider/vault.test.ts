import { describe, expect, it } from "vitest";
import { vaultConfig } from "../../config/vault.ts";
import { vault } from "../../provider/resources/vault.ts";

type Facts = ReturnType<typeof vault.facts.parse>;
type Header = NonNullable<Facts["header"]>;

const UUID = "5f0c4d1e-1111-4222-8333-944455566677";
const header = (more: Partial<Header> = {}): Header => ({
  uuid: UUID,
  label: "racksmith-vault",
  ready: true,
  cipher: "sm4-xts-plain64",
  sectorSizeBytes: 4096,
  keyBits: 256,
  tpm2Pcrs: null,
  ...more,
});
const open = {
  cipher: "sm4-xts-plain64",
  onDevice: true,
  keyBits: 256,
  sectorSizeBytes: 4096,
  workqueues: false,
};
const found = (more: Partial<Facts> = {}): Facts => ({
  device: "/dev/md127",
  carries: `crypto_LUKS ${UUID}`,
  usedBy: "",
  header: header(),
  formattingUuid: "",
  open,
  mounted: "/dev/mapper/racksmith-vault xfs",
  boot: true,
  tpm: true,
  ...more,
});
const bare = found({ device: "/dev/md127", carries: "", header: null, open: null, mounted: "", boot: false });
const want = (more: Record<string, unknown> = {}) =>
  vault.inputs.parse({ device: "/dev/md/racksmith", key: "a key that is long enough", ...more });
const paths = (list: readonly { path: string }[] | undefined) => list?.map(({ path }) => path);

describe("vault compare", () => {
  it("finds nothing to do on an open vault", () => {
    expect(vault.compare(want(), found())).toEqual([]);
    expect(vault.refuse?.(want(), found())).toEqual([]);
  });

  it("makes a volume on a blank device, or on one that is not there yet", () => {
    for (const facts of [bare, { ...bare, device: "" }]) {
      expect(vault.compare(want(), facts)).toEqual([
        { path: "volume", found: "none", wanted: "open sm4-xts-plain64 volume", disruption: "none" },
      ]);
      expect(vault.refuse?.(want(), facts)).toEqual([]);
    }
  });

  it("opens a closed one after a reboot", () => {
    expect(vault.compare(want(), found({ open: null, mounted: "" }))).toMatchObject([
      { path: "volume", found: "closed", disruption: "none" },
      { path: "mount", found: "nothing" },
    ]);
  });

  it("finishes a half-made one", () => {
    const half = found({ header: header({ ready: false }), mounted: "", boot: false, formattingUuid: UUID });
    expect(paths(vault.compare(want(), half))).toEqual(["volume", "mount", "boot"]);
    expect(vault.refuse?.(want(), half)).toEqual([]);
  });

  it("reports the journal of a volume that is ready long since", () => {
    expect(vault.compare(want(), found({ formattingUuid: UUID }))).toMatchObject([
      { path: "creation", found: `still written down as begun, ${UUID}`, disruption: "none" },
    ]);
  });

  it("follows the unlock policy both ways, and the PCRs whatever their order", () => {
    const bound = found({ header: header({ tpm2Pcrs: [11, 7] }) });
    expect(vault.compare(want({ unlock: "tpm2" }), found())).toMatchObject([
      { path: "unlock", found: "no TPM key slot", wanted: "TPM key slot on PCRs 7" },
    ]);
    expect(vault.compare(want({ unlock: "tpm2", tpm2Pcrs: [7, 11] }), bound)).toEqual([]);
    expect(paths(vault.compare(want(), bound))).toEqual(["unlock"]);
  });

  it("asserts what the kernel runs, not what was asked for", () => {
    expect(paths(vault.compare(want(), found({ open: { ...open, cipher: "aes-xts-plain64" } })))).toEqual([
      "cipher",
    ]);
    expect(paths(vault.compare(want(), found({ open: { ...open, onDevice: false } })))).toEqual(["device"]);
    expect(vault.compare(want(), found({ open: { ...open, workqueues: true } }))).toMatchObject([
      { path: "workqueues", disruption: "reload" },
    ]);
  });

  it("sees another filesystem on the mount point", () => {
    expect(paths(vault.compare(want(), found({ mounted: "/dev/sda1 ext4" })))).toEqual(["mount"]);
  });

  it("calls it data loss where reformat is used, once", () => {
    const before = found({ carries: "ext4 0b1c2d3e-2222", header: null, open: null, mounted: "" });
    expect(vault.compare(want({ reformat: "0b1c2d3e-2222" }), before)[0]?.disruption).toBe("data loss");
    expect(vault.refuse?.(want({ reformat: "0b1c2d3e-2222" }), before)).toEqual([]);
    expect(vault.compare(want({ reformat: "0b1c2d3e-2222" }), found())).toEqual([]);
  });
});

describe("vault refuse", () => {
  it("names what a device carries", () => {
    const facts = found({ carries: "ext4 0b1c2d3e-2222", header: null, open: null });
    expect(vault.refuse?.(want(), facts)).toEqual([
      {
        path: "device",
        found: "/dev/md127 carries ext4 0b1c2d3e-2222",
        wanted: "a blank device",
        remedy: "all of it would be lost. If that may be, put its UUID into reformat",
      },
    ]);
    expect(vault.refuse?.(want({ reformat: "0b1c2d3e-2223" }), facts)).toHaveLength(1);
  });

  it("leaves somebody else's LUKS volume and another cipher alone", () => {
    expect(
      vault.refuse?.(want(), found({ header: header({ label: "home" }), open: null }))?.[0]?.found,
    ).toContain('"home"');
    expect(
      paths(vault.refuse?.(want(), found({ header: header({ cipher: "aes-xts-plain64" }), open: null }))),
    ).toEqual(["cipher"]);
  });

  it("takes its own half-made header, though cryptsetup cannot read it", () => {
    const facts = found({ header: null, open: null, formattingUuid: UUID });
    expect(vault.refuse?.(want(), facts)).toEqual([]);
    expect(vault.compare(want(), facts)[0]?.disruption).toBe("none");
  });

  it("wants a TPM for tpm2, and a device that nobody else uses", () => {
    const facts = found({ tpm: false, usedBy: "md127 mounted at /data", open: null });
    expect(paths(vault.refuse?.(want({ unlock: "tpm2" }), facts))).toEqual(["unlock", "device"]);
  });
});

describe("vault inputs", () => {
  it("keep the key from observe", () => {
    expect(JSON.stringify(vault.forObserve(want({ key: "canary-canary-canary" })))).not.toContain("canary");
    expect(vault.secrets).toEqual(["key"]);
  });

  it("do not show the key in a problem", () => {
    const result = vault.inputs.safeParse({ device: "/dev/md/x", key: "canary" });
    expect(result.error?.message).toContain("at least 12 characters");
    expect(result.error?.message).not.toContain("canary");
  });

  it.each(["/dev/$(reboot)", "/etc/passwd", "md0", "/dev/a b", "/dev/a\nb", "/dev/../etc/shadow"])(
    "refuse the device %j",
    (device) => {
      expect(vaultConfig.safeParse({ device, key: "a key that is long enough" }).success).toBe(false);
    },
  );

  it("print the configured key as [secret]", () => {
    const config = vaultConfig.parse({ key: "canary-canary-canary" });
    expect(JSON.stringify(config)).not.toContain("canary");
  });
});
