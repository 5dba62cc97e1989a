import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const raid = fileURLToPath(new URL("../../ansible-free-scripts/raid", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "racksmith-raid-"));
afterAll(() => rmSync(folder, { recursive: true }));

function bash(steps: string, prefix: string[] = []) {
  const prelude = `set -euo pipefail
. "${raid}/../lib.sh"; . "${raid}/block.sh"; . "${raid}/array.sh"; . "${raid}/conf.sh"; . "${raid}/claim.sh"
cd "${folder}"
`;
  const [file = "bash", ...args] = [...prefix, "bash", "-c", prelude + steps];
  return spawnSync(file, args, { encoding: "utf8" });
}

describe("what a disk carries", () => {
  it("is nothing when blank, even full of noise", () => {
    expect(
      bash("truncate -s 8M blank; carries blank; head -c 4M /dev/urandom >noise; carries noise").stdout,
    ).toBe("");
  });

  it("is named with its UUID, once", () => {
    const uuid = "11111111-2222-4333-8444-555555555555";
    const { stdout } = bash(`truncate -s 8M disk; mke2fs -q -t ext4 -U ${uuid} disk; carries disk`);
    expect(stdout).toBe(`ext4 ${uuid}`);
  });

  it("shows partition tables", () => {
    const table = String.raw`truncate -s 8M table
printf '\x00\x20\x21\x00\x83\xdf\x13\x0c\x00\x08\x00\x00\x00\x10\x00\x00' | dd of=table bs=1 seek=446 conv=notrunc status=none
printf '\x55\xaa' | dd of=table bs=1 seek=510 conv=notrunc status=none
carries table`;
    expect(bash(table).stdout).toBe("dos");
  });

  it("is an error when it cannot be read", () => {
    const { status, stderr } = bash('found=$(carries gone); echo "$found"');
    expect(status).toBe(1);
    expect(stderr).toContain("gone: cannot be read to see what it carries");
  });
});

describe("claiming a disk", () => {
  // lsblk's recorded answers for a machine with these disks; signatures are read from the real image files.
  const machine = `
lsblk() { :; }
DISK_PATH[S1]=${folder}/disk; DISK_BYTES[S1]=8388608; DISK_PATH[S2]=ambiguous
`;
  it("refuses what carries something, naming device, serial, size and contents", () => {
    const { status, stderr } = bash(`${machine} may_claim S1`);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /disk \(serial S1, 8388608 bytes\) carries ext4 .* put S1 into raid.wipe. Nothing was changed/,
    );
  });

  it("allows it once its serial is typed in, and no other's", () => {
    expect(bash(`${machine} wipe=(S1); may_claim S1`).status).toBe(0);
    expect(bash(`${machine} wipe=(S2); may_claim S1`).status).toBe(1);
  });

  it("refuses a missing and an ambiguous serial", () => {
    expect(bash(`${machine} may_claim S9`).stderr).toContain("disk S9: not in this machine");
    expect(bash(`${machine} may_claim S2`).stderr).toContain("its serial is not unique");
  });
});

const namespaces = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/etc"]).status === 0;

describe.skipIf(!namespaces)("mdadm.conf", () => {
  const inEtc = (steps: string) =>
    bash(`mount -t tmpfs none /etc; mkdir /etc/mdadm\n${steps}`, ["unshare", "-rm"]).stdout;

  it("gains its lines, is stable, and loses them again; other arrays stay", () => {
    const own = "# theirs\nMAILADDR root\nARRAY /dev/md/other UUID=1\n";
    const out = inEtc(`printf '%s' '${own}' >/etc/mdadm/mdadm.conf
wanted_conf racksmith u:1 "" "" >new; cp new /etc/mdadm/mdadm.conf; cat new
wanted_conf racksmith u:1 "" "" | cmp - new && echo stable
wanted_conf racksmith "" "" ""`);
    const line = "ARRAY /dev/md/racksmith metadata=1.2 name=racksmith:racksmith UUID=u:1\n";
    expect(out).toBe(`${own}${line}stable\n${own}`);
  });

  it("takes the mail address and the notifier, and gives them up again; theirs stays below", () => {
    const theirs = "MAILADDR root\n";
    const out = inEtc(`conf=/etc/mdadm/mdadm.conf; printf '${theirs.trimEnd()}\\n' >$conf
wanted_conf r u ops@example.com yes >new; cp new $conf; cat new
wanted_conf r u ops@example.com yes | cmp - new && echo stable
wanted_conf r u other@example.com "" | grep -c example.com
wanted_conf r "" "" ""`);
    expect(out).toBe(
      `# racksmith: the address of raid.monitorMail\nMAILADDR ops@example.com\n${theirs}ARRAY /dev/md/r metadata=1.2 name=racksmith:r UUID=u\nPROGRAM /usr/lib/racksmith/current/raid/notify.sh\nstable\n1\n${theirs}`,
    );
  });

  it("knows its address that stands there unmarked", () => {
    const out = inEtc(
      `printf 'MAILADDR ops@example.com\\n' >/etc/mdadm/mdadm.conf; wanted_conf r "" ops@example.com "" | grep -c ^MAIL`,
    );
    expect(out).toBe("1\n");
  });
});
