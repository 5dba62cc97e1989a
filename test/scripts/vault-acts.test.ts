import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { vault } from "../../provider/resources/vault.ts";
import { inRoom, rooms } from "./node-room.ts";

const recordings = fileURLToPath(new URL("recordings", import.meta.url));
const tools = fileURLToPath(new URL("raid-tools", import.meta.url));
const KEY = "a key that is long enough";
const UUID = "dceade9c-3d07-4da4-bdcb-1545d2c38ec4";

// The room's own /dev, with a device that carries the recorded volume; what needs device-mapper answers as a Debian
// 13 node did. $HEADER is what luksDump prints; without such a file it cannot read the header.
const node = `
mkdir /mnt/bin; PATH=/mnt/bin:${tools}:$PATH
tool() { { printf '#!/bin/bash\\nprintf "%%s %%s\\\\n" "\${0##*/}" "$*" >>"$CALLS"\\n'; cat; } >/mnt/bin/$1; chmod +x /mnt/bin/$1; }
tool cryptsetup <<'T'
case $1 in
  luksDump) cat /mnt/header ;;
  status) cat ${recordings}/cryptsetup-status.txt ;;
  open)
    key=$(cat)
    # As the real one: a token that opens the volume is asked before the key is looked at.
    [[ $key == "${KEY}" || ( $* != *--disable-external-tokens* && $(</mnt/header) == *systemd-tpm2* ) ]] || exit 2
    [[ $* == *--test-passphrase* ]] || : >/dev/mapper/racksmith-vault
    ;;
  config) sed -i 's/racksmith-new/racksmith-ready/' /mnt/header ;;
  luksFormat) cat >/dev/null; cp /mnt/new-header /mnt/header ;;
esac
T
tool blkid <<<'printf "UUID=${UUID}\\nLABEL=racksmith-vault\\nTYPE=crypto_LUKS\\n"'
tool wipefs <<<'[[ $* == *mapper* ]] || echo "crypto_LUKS ${UUID}"'
tool dmsetup <<<'echo "0 1 crypt sm4-xts-plain64 :32:logon:x 0 9:127 32768"'
tool lsblk <<<'[[ $* != *MAJ:MIN* ]] || echo "  9:127"'
tool blockdev <<<'echo 8388608'
for name in mkfs.xfs systemd-escape; do tool $name <<<''; done
mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; ln -s /proc/self/fd /dev/fd; mknod /dev/md127 b 9 127; mkdir /dev/mapper
echo "name         : sm4" >/mnt/crypto; mount --bind /mnt/crypto /proc/crypto
sed /systemd-tpm2/d ${recordings}/luksdump.txt >/mnt/header
state=/var/lib/racksmith/vault; rm -rf $state; mkdir -p $state
`;

function onVaultNode(steps: string) {
  const wanted = vault.inputs.parse({ device: "/dev/md127", key: KEY });
  const act = { name: "vault", unlock: "operator", workqueues: false };
  const inputs = { ...act, device: wanted.device, key: wanted.key, sector_size: 4096, reformat: "" };
  return inRoom(`${node}\n${steps}`, {
    act: inputs,
    destroy: { ...inputs, reformat: UUID },
    misfit: { ...inputs, key: "another one that is long enough" },
  });
}

describe.skipIf(!rooms)("a key that does not open the volume", () => {
  it("is refused, also where the TPM would open it, and nothing is changed", () => {
    const { out, err } = onVaultNode(
      `cp ${recordings}/luksdump.txt /mnt/header; grep -c systemd-tpm2 /mnt/header\nrun vault/apply misfit; echo "rc $rc"; cat "$CALLS"`,
    );
    expect(err).toContain(`the key given does not open volume ${UUID}`);
    expect(out).toMatch(/^1\n(.*\n)*rc 1\n/);
    expect(out).not.toMatch(/luksFormat|mkfs|wipefs --all|cryptenroll|mapper/);
  });
});

describe.skipIf(!rooms)("the making of a vault that was not seen to end", () => {
  const tail = 'run vault/apply act; echo "rc $rc"; ls $state; cat "$CALLS"';

  it("is over once the volume is ready, though the rest of the act fails", () => {
    const { out } = onVaultNode(`echo ${UUID} >$state/vault.formatting; export FAILS=start\n${tail}`);
    expect(out).toMatch(/rc 1\nblkid /);
    expect(out).not.toContain("vault.formatting\n");
    expect(out).not.toMatch(/luksFormat|mkfs|wipefs --all/);
  });

  it("is begun again where the header says that it was not ready", () => {
    const { out } = onVaultNode(
      `sed -i s/racksmith-ready/racksmith-new/ /mnt/header; cp /mnt/header /mnt/new-header; echo ${UUID} >$state/vault.formatting\n${tail}`,
    );
    expect(out).toMatch(/rc 0\nblkid /);
    expect(out).toMatch(/cryptsetup luksFormat [^\n]*\/dev\/md127\n/);
    expect(out).toContain("mkfs.xfs");
  });

  it("decides nothing on a header that cannot be read", () => {
    const { out, err } = onVaultNode(`rm /mnt/header; echo ${UUID} >$state/vault.formatting\n${tail}`);
    expect(out).toContain("rc 1\nvault.formatting\n");
    expect(err).toContain(`cannot read the header of LUKS volume ${UUID}`);
    expect(out).not.toMatch(/luksFormat|mkfs|wipefs --all/);
  });

  it("destroys even that where its UUID was typed in", () => {
    const { out } = onVaultNode(
      `mv /mnt/header /mnt/new-header; run vault/apply destroy; echo "rc $rc"; cat "$CALLS"`,
    );
    expect(out).toMatch(/rc 0\n(.*\n)*cryptsetup luksFormat/);
  });
});
