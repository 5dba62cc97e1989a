// Acts of the baseline that do not come to their end: the real scripts in a room, with an nft that keeps one table.
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { baseline } from "../../provider/resources/baseline.ts";
import { inRoom, lastJson, rooms, type Said } from "./node-room.ts";

const tools = fileURLToPath(new URL("raid-tools", import.meta.url));
const want = (port: number, more: Record<string, unknown> = {}) =>
  baseline.inputs.parse({
    sysctl: {},
    memlock: "system",
    transparentHugePages: "system",
    swap: "system",
    timeSync: { enabled: false },
    firewall: { enabled: true, allow: [{ port }] },
    ...more,
  });
const nothing = baseline.facts.parse({
  ...{
    files: [],
    filesDue: [],
    sysctl: {},
    memlock: "",
    transparentHugePages: "",
    swaps: [],
    fstabSwaps: [],
  },
  ...{
    nouveauLoaded: false,
    timeService: "",
    unattendedBlacklist: [],
    journalMaxUse: "",
    firewall: "absent",
  },
});
const [before, after] = [want(8000), want(9000, { journal: { maxMiB: 77 } })];

/** `run baseline/apply first`, then `second`; the table in force is /mnt/live, each loading of it is in $CALLS. */
const node = `
PATH=${tools}:$PATH
rm -rf /etc/racksmith /var/lib/racksmith /etc/modprobe.d/racksmith-nouveau.conf /etc/systemd/journald.conf.d
nft() {
  case "$*" in
    "-f "*) echo "nft $*" >>"$CALLS"; cat "$2" /etc/racksmith/firewall.nft >/mnt/live ;;
    *"list table"*) cat /mnt/live 2>/dev/null ;;
    "delete table"*) rm /mnt/live ;;
  esac
}
ss() { :; }
sshd() { :; }
export -f nft ss sshd
`;
const inputs = {
  first: baseline.forAct(before, nothing),
  second: baseline.forAct(after, nothing),
  look: baseline.forObserve(after),
  gone: { file_path: baseline.forObserve(after).file_path ?? [] },
};
const onNode = (steps: string): Said => inRoom(node + steps, inputs);
const observed = (steps: string) =>
  baseline.facts.parse(lastJson(onNode(`${steps}\nrun baseline/observe look`)));
/** What still differs from `second` of what these acts can mend here, after `steps`. */
function differing(steps: string): string[] {
  return baseline
    .compare(after, observed(steps))
    .map(({ path, found }) => `${path}: ${found}`)
    .filter((line) => !/^(journal\.maxMiB|protectGpuPackages):/.test(line));
}

describe.skipIf(!rooms)("an act of the baseline that ends early", () => {
  // The ruleset is written before, and would be loaded after, what fails here.
  const failed = "run baseline/apply first; FAILS=systemd-journald.service run baseline/apply second; ";

  it("leaves no new rules unloaded: they are named, and the next act loads them", () => {
    expect(differing("run baseline/apply second")).toEqual([]);
    expect(
      differing(
        `run baseline/apply first; export FAILS=systemd-journald.service; run baseline/apply second; unset FAILS`,
      ),
    ).toEqual([
      "journal./etc/systemd/journald.conf.d/90-racksmith.conf: changed, not in force yet",
      "firewall./etc/racksmith/firewall.nft: changed, not in force yet",
      "firewall.enabled: changed",
    ]);
    const { out } = onNode(`${failed} echo "rc $rc"; : >"$CALLS"; grep -c 'dport 9000' /mnt/live || true
run baseline/apply second; echo "rc $rc"; grep -c 'dport 9000' /mnt/live; cat "$CALLS"`);
    expect(out).toMatch(/rc 1\n0\n(::status .*\n)*rc 0\n1\n/);
    expect(out).toContain("try-restart systemd-journald.service");
    expect(out).toContain("nft -f /etc/racksmith/firewall-boot.nft");
    expect(differing(`${failed} run baseline/apply second`)).toEqual([]);
  });

  it("remembers each file once, over several such acts, and forgets them at the end", () => {
    const again = "FAILS=systemd-journald.service run baseline/apply second; ";
    const due = ["/etc/systemd/journald.conf.d/90-racksmith.conf", "/etc/racksmith/firewall.nft"];
    expect(observed(failed).filesDue).toEqual(due);
    expect(observed(`${failed}${again}`).filesDue).toEqual(due);
    expect(observed(`${failed}rm ${due[0]}; ${again}`).filesDue).toEqual(due);
    expect(observed(`${failed}run baseline/apply second`).filesDue).toEqual([]);
  });

  it("rules count as loaded only while they are those of the files, and of a sum that knows of the files", () => {
    const sum = "/var/lib/racksmith/firewall.sha256";
    const done = "run baseline/apply second; ";
    for (const fault of [
      `echo '# more' >>/etc/racksmith/firewall-boot.nft`,
      `echo '# more' >>/mnt/live`,
      `rm ${sum}`,
      // As it was written before the files were part of it.
      `sha256sum </mnt/live >${sum}`,
    ]) {
      expect(differing(done + fault), fault).toEqual(["firewall.enabled: changed"]);
      expect(differing(`${done}${fault}; run baseline/apply second`), fault).toEqual([]);
    }
  });

  it("loads nothing again when all is in force, and leaves nothing of its own behind", () => {
    const { out } =
      onNode(`run baseline/apply second >/dev/null; : >"$CALLS"; run baseline/apply second; cat "$CALLS"
run baseline/remove gone >/dev/null; echo "rc $rc"; ls /var/lib/racksmith /etc/racksmith`);
    expect(out).not.toContain("nft -f");
    expect(out).not.toContain("try-restart");
    expect(out.trimEnd()).toMatch(/rc 0\n\/etc\/racksmith:\n\n\/var\/lib\/racksmith:$/);
  });

  it("leaves the initramfs due when /boot is full, until it is rebuilt", () => {
    const full = "touch /mnt/boot-full; run baseline/apply second; ";
    const { out, err } = onNode(`${full} echo "rc $rc"; rm /mnt/boot-full; : >"$CALLS"
run baseline/apply second; echo "rc $rc"; cat "$CALLS"; : >"$CALLS"; run baseline/apply second; echo again; cat "$CALLS"`);
    expect(err).toContain("is /boot full");
    expect(out).toMatch(/rc 1\n(::.*\n)*rc 0\n(.*\n)*update-initramfs -u\n/);
    expect(out.slice(out.indexOf("again"))).not.toContain("update-initramfs");
    expect(differing(full)).toContain(
      "blacklistNouveau./etc/modprobe.d/racksmith-nouveau.conf: changed, not in force yet",
    );
  });
});
