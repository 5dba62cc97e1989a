import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const scripts = fileURLToPath(new URL("../../ansible-free-scripts", import.meta.url));
const recordings = fileURLToPath(new URL("recordings", import.meta.url));

/** Runs bash with vault's libraries; `cryptsetup` and `blkid` answer with what a Debian 13 node printed. */
function bash(steps: string, prefix: string[] = []): string {
  const prelude = `set -euo pipefail
. "${scripts}/lib.sh"; . "${scripts}/vault/luks.sh"; . "${scripts}/vault/boot.sh"
cryptsetup() {
  case $1 in
    luksDump) cat "${recordings}/luksdump.txt" ;;
    status) cat "${recordings}/cryptsetup-status.txt" ;;
    token) printf '{"type":"systemd-tpm2","keyslots":["1"],"tpm2-blob":"xx","tpm2-pcrs":[7, 11],"tpm2-pcr-bank":"sha256"}' ;;
  esac
}
blkid() { printf 'DEVNAME=/dev/md127\\nUUID=dceade9c-3d07-4da4-bdcb-1545d2c38ec4\\nLABEL=racksmith-vault\\nTYPE=crypto_LUKS\\n'; }
`;
  const [file = "bash", ...args] = [...prefix, "bash", "-c", prelude + steps];
  const run = spawnSync(file, args, { encoding: "utf8" });
  expect(run.stderr).toBe("");
  return run.stdout;
}

describe("vault reads", () => {
  it("a LUKS header", () => {
    expect(
      JSON.parse(bash("luks_header /dev/md127; header_json /dev/md127 out; printf '%s' \"$out\"")),
    ).toEqual({
      uuid: "dceade9c-3d07-4da4-bdcb-1545d2c38ec4",
      label: "racksmith-vault",
      ready: true,
      cipher: "sm4-xts-plain64",
      sectorSizeBytes: 4096,
      keyBits: 256,
      tpm2Pcrs: [7, 11],
    });
  });

  it("what the kernel runs", () => {
    const out = bash(
      'cd /dev; ln() { :; }; mapper=../null; active_volume "$mapper"; open_json /dev/md127 out; printf "%s" "$out"',
    );
    expect(JSON.parse(out)).toEqual({
      cipher: "sm4-xts-plain64",
      onDevice: true,
      keyBits: 256,
      sectorSizeBytes: 4096,
      workqueues: false,
    });
  });
});

const namespaces = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/etc"]).status === 0;

describe.skipIf(!namespaces)("vault crypttab", () => {
  const inEtc = (steps: string) => bash(`mount -t tmpfs none /etc\n${steps}`, ["unshare", "-rm"]);

  it("gains one line under tpm2, loses it under operator, and keeps everybody else's", () => {
    const others = "# people's own\nhome UUID=1 none luks\nracksmith-vault-2 UUID=2 none luks";
    const line =
      "racksmith-vault UUID=u1 none luks,tpm2-device=auto,headless=true,nofail,no-read-workqueue,no-write-workqueue";
    const out = inEtc(
      `printf '%s\\n' "${others}" >/etc/crypttab
text=$(crypttab_text racksmith-vault tpm2 u1 false); printf '%s\\n' "$text" >/etc/crypttab; cat /etc/crypttab
same_text /etc/crypttab "$(crypttab_text racksmith-vault tpm2 u1 false)" && echo same
crypttab_text racksmith-vault operator u1 false`,
    );
    expect(out).toBe(`${others}\n${line}\nsame\n${others}\n`);
  });

  it("is not needed by an operator's vault", () => {
    expect(
      inEtc('same_text /etc/crypttab "$(crypttab_text racksmith-vault operator u1 true)" && echo same'),
    ).toBe("same\n");
  });
});

describe("vault at boot", () => {
  it("is never waited for", () => {
    expect(bash("mount_unit_text racksmith-vault operator")).toMatch(/Options=.*nofail/);
    expect(bash("mount_unit_text racksmith-vault operator")).not.toContain("WantedBy");
    expect(bash("mount_unit_text racksmith-vault tpm2")).toContain("WantedBy=multi-user.target");
  });
});
