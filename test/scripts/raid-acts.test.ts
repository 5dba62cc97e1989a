import { describe, expect, it } from "vitest";
import { rooms } from "./node-room.ts";
import { judged, onRaidNode, want } from "./raid-machine.ts";

const UUID = "0a1b2c3d:4e5f6071:8293a4b5:c6d7e8f9";
const paths = (list: readonly { path: string }[]) => list.map(({ path }) => path);

describe.skipIf(!rooms)("a creation that does not come to its end", () => {
  it("is over as soon as the array runs, though the initramfs cannot be rebuilt; that stays due", () => {
    const { out, err } = onRaidNode(`touch /mnt/boot-full
run raid/apply act; echo "rc $rc"; ls "$state"; grep -c ^ARRAY "$conf"
: >"$CALLS"; rm /mnt/boot-full; run raid/apply act; echo "again $rc"; ls "$state"; cat "$CALLS"`);
    expect(err).toContain("is /boot full");
    expect(out).toContain("rc 1\ninitramfs-due\n1\n");
    const again = out.slice(out.indexOf("again"));
    expect(again).toMatch(/^again 0\n((mdadm|systemctl) .*\n)*update-initramfs -u\n$/);
    expect(again).not.toMatch(/--create|--zero/);
  });

  it("is seen where an earlier act left it", () => {
    const left = 'running; begun $UUID; : >"$state/initramfs-due"';
    expect(paths(judged(left).changes)).toEqual(["creation", "initramfs"]);
    const mended = judged(`${left}; run raid/apply act; ls "$state"`);
    expect(mended.changes).toEqual([]);
    expect(mended.facts).toMatchObject({ creatingUuid: "", initramfsDue: false });
  });

  it("never lets an array that has run be made anew, however old the journal", () => {
    const stale = "running; begun $UUID; unassembled";
    const { changes, refusals } = judged(stale);
    expect(changes).toMatchObject([{ path: "array", found: "not assembled", disruption: "none" }]);
    expect(refusals).toEqual([]);
    const { out } = onRaidNode(`${stale}; run raid/apply act; echo "rc $rc"; ls "$state"; cat "$CALLS"`);
    expect(out).toMatch(/rc 0\nmdadm /);
    expect(out).toContain(`--assemble /dev/md/racksmith --run --quiet --uuid=${UUID}`);
    expect(out).not.toMatch(/--create|--zero/);
  });

  it("is begun again when it was cut short before the array ran", () => {
    const { out } = onRaidNode(
      'running; rm $conf; begun $UUID; unassembled; run raid/apply act; echo "rc $rc"; ls "$state"; cat "$CALLS"',
    );
    expect(out).toMatch(/rc 0\nmdadm /);
    expect(out).toContain("--zero-superblock /mnt/disks/sda /mnt/disks/sdb");
    expect(out).toContain("--create");
  });

  it("zeroes nothing when the array could not be made then: a disk is gone or carries something", () => {
    const half = "running; rm $conf; begun $UUID; unassembled";
    for (const fault of ["rm /mnt/disks/sdb*", "rm /mnt/disks/sdb.sb; mke2fs -q -t ext4 /mnt/disks/sdb"]) {
      const { out } = onRaidNode(
        `${half}; ${fault}; run raid/apply act; echo "rc $rc"; ls "$state"; cat "$CALLS"`,
        want({ allowDegraded: true }),
      );
      expect(out).toContain("rc 1\nracksmith.creating\n");
      expect(out).not.toMatch(/--create|--zero/);
    }
  });
});

describe.skipIf(!rooms)("removing the array", () => {
  const wipe = (more: Record<string, unknown> = {}) => want({ onDelete: "wipe", wipeUuid: UUID, ...more });
  const tail = 'echo "rc $rc"; ls /mnt/disks /etc/mdadm; cat "$conf"; cat "$CALLS"';

  it("with wipe destroys it where it is stopped, too, and forgets it", () => {
    const { out } = onRaidNode(`running; unassembled; run raid/remove act; ${tail}`, wipe());
    expect(out).toContain("rc 0\n");
    expect(out).not.toMatch(/\.sb|^ARRAY/m);
    expect(out).toContain("--zero-superblock /mnt/disks/sda /mnt/disks/sdb");
    expect(out).toContain("update-initramfs -u");
  });

  it("destroys it on a disk that it has lost", () => {
    const { out } = onRaidNode(`returned 100 AA; run raid/remove act; ${tail}`, wipe());
    expect(out).toContain("rc 0\n");
    expect(out).not.toContain(".sb");
  });

  it("with another UUID changes nothing, nor on disks that are not named", () => {
    const other = wipe({ wipeUuid: UUID.replace("0a", "ff") });
    const stopped = onRaidNode(`running; unassembled; run raid/remove act; ${tail}`, other);
    expect(stopped.err).toContain(`the array's UUID is ${UUID}`);
    expect(stopped.out).toMatch(/rc 1\n(.*\n)*sda\.sb\n(.*\n)*sdb\.sb\n/);
    const elsewhere = onRaidNode(
      `running; unassembled; run raid/remove act; ${tail}`,
      wipe({ members: ["SA", "SC"] }),
    );
    expect(elsewhere.out).toContain("--zero-superblock /mnt/disks/sda\n");
    expect(elsewhere.out).toContain("sdb.sb");
  });

  it("keeps it, running or stopped, and says so", () => {
    for (const state of ["running", "running; unassembled"]) {
      const { out } = onRaidNode(`${state}; run raid/remove act; ${tail}`);
      expect(out).toContain(`::warn kept: array /dev/md/racksmith (${UUID})`);
      expect(out).toMatch(/sda\.sb\n(.*\n)*sdb\.sb\n(.*\n)*ARRAY/);
    }
  });
});

describe.skipIf(!rooms)("a disk that is listed and cannot be opened", () => {
  const dead = "running; echo faulty >/sys/block/md127/md/dev-sdb/state; touch /mnt/disks/sdb.dead";

  it("is reported, and its array stays seen", () => {
    const { facts, changes } = judged(dead);
    expect(facts.disks[1]).toMatchObject({ serial: "SB", carries: "unreadable" });
    expect(changes).toMatchObject([{ path: "members.SB", found: "failed" }]);
  });

  it("leaves the array for a spare", () => {
    const wanted = want({ spares: ["SC"] });
    const after = judged(`${dead}; run raid/apply act; echo "rc $rc"`, wanted);
    expect(after.facts.array?.members.map(({ serial }) => serial)).toEqual(["SA", "SC"]);
    expect([...after.changes, ...after.refusals]).toEqual([]);
  });

  it("leaves it degraded where nothing can stand in, and is refused unless that is allowed", () => {
    const { out } = onRaidNode(`${dead}; run raid/apply act; echo "rc $rc"`);
    expect(out).toMatch(/::warn .*sdb \(serial SB\) cannot be read.*\n(.*\n)*rc 0\n/);
    const after = `${dead}; run raid/apply act`;
    expect(paths(judged(after).refusals)).toEqual(["members.SB"]);
    const allowed = judged(after, want({ allowDegraded: true }));
    expect([...allowed.changes, ...allowed.refusals]).toEqual([]);
  });

  it("is not given to an array that is to be made", () => {
    const { out, err } = onRaidNode(
      'touch /mnt/disks/sdb.dead; run raid/apply act; echo "rc $rc"; cat "$CALLS"',
      want({ wipe: ["SB"] }),
    );
    expect(err).toContain("(serial SB): cannot be read");
    expect(out).toContain("rc 1");
    expect(out).not.toContain("--create");
  });
});

describe.skipIf(!rooms)("a serial that was left in wipe", () => {
  const wanted = want({ name: "other", wipe: ["SA", "SB"] });

  it("does not give up an array that has run here, running or stopped, to one of another name", () => {
    for (const stopped of ["", "; unassembled"]) {
      const { out, err } = onRaidNode(
        `running${stopped}; run raid/apply act; echo "rc $rc"; cat "$CALLS"`,
        wanted,
      );
      expect(err).toContain("racksmith:racksmith");
      expect(err).toContain("which has run on this host; raid.wipe does not reach it");
      expect(out).toContain("rc 1");
      expect(out).not.toMatch(/--stop|--create|--zero/);
      expect(judged(`running${stopped}`, wanted).refusals.map(({ path }) => path)).toEqual([
        "members.SA",
        "members.SB",
      ]);
    }
  });

  it("gives up what the host does not know", () => {
    const { out } = onRaidNode('running; rm "$conf"; unassembled; run raid/apply act; cat "$CALLS"', wanted);
    expect(out).toContain("--create");
  });
});

describe.skipIf(!rooms)("the webhook", () => {
  const wanted = want({ monitorWebhook: "https://example.com/hook/canary" });
  // A node whose commands are the room's and the few that observe needs: no curl among them.
  const withoutCurl =
    'mkdir /mnt/few; for tool in bash sha256sum sort tr cat; do ln -s "$(command -v $tool)" /mnt/few/; done; PATH=$tools:/mnt/few';

  it("brings the curl that posts to it", () => {
    const { out } = onRaidNode('export LACKS=curl; run raid/apply act; echo "rc $rc"; cat "$CALLS"', wanted);
    expect(out).toMatch(/rc 0\n(.*\n)*apt-get install .*-- curl\n/);
    expect(out).not.toContain("canary");
    expect(onRaidNode('export LACKS=curl; run raid/apply act; cat "$CALLS"').out).not.toContain("-- curl");
  });

  it("is not in place while nothing can call it", () => {
    expect(judged("run raid/apply act", wanted).facts.webhook).toBe(true);
    expect(paths(judged(`run raid/apply act; ${withoutCurl}`, wanted).changes)).toEqual(["monitorWebhook"]);
  });
});

describe.skipIf(!rooms)("a member that comes back", () => {
  // The array ran on without it up to event 120.
  it("is put back when the array is newer and it never ran alone", () => {
    const { changes, refusals } = judged("returned 100 AA");
    expect(changes).toMatchObject([{ path: "members.SB", disruption: "none" }]);
    expect(refusals).toEqual([]);
    const { out } = onRaidNode('returned 100 AA; run raid/apply act; echo "rc $rc"; cat "$CALLS"');
    expect(out).toMatch(/rc 0\n(.*\n)*mdadm .*--re-add \/mnt\/disks\/sdb\n/);
  });

  it.each([
    ["newer", "121 AA"],
    ["as new", "120 AA"],
    ["older, and ran without the member that works now", "100 .A"],
  ])("is left alone when it is %s", (_, superblock) => {
    expect(judged(`returned ${superblock}`).refusals).toMatchObject([
      { path: "members.SB", found: expect.stringContaining("apart from the array") },
    ]);
    const { out, err } = onRaidNode(
      `returned ${superblock}; run raid/apply act; echo "rc $rc"; ls /mnt/disks; cat "$CALLS"`,
    );
    expect(err).toContain("put SB into raid.wipe");
    expect(out).toMatch(/rc 1\n(.*\n)*sdb\.sb\n/);
    expect(out).not.toMatch(/--add|--re-add|--zero/);
  });

  it("is rebuilt from the array once its serial is in wipe, never re-added", () => {
    const wanted = want({ wipe: ["SB"] });
    const { changes, refusals } = judged("returned 121 .A", wanted);
    expect(refusals).toEqual([]);
    expect(changes).toMatchObject([{ path: "members.SB", disruption: "data loss" }]);
    const { out } = onRaidNode('returned 121 .A; run raid/apply act; echo "rc $rc"; cat "$CALLS"', wanted);
    expect(out).toMatch(/rc 0\n(.*\n)*mdadm .*--add \/mnt\/disks\/sdb\n/);
    expect(out).not.toContain("--re-add");
  });

  it("holds nobody's data when it was a spare", () => {
    const spare = 'returned 120 AA; superblock /mnt/disks/sdb "$UUID" 120 A. spare';
    expect(judged(spare).refusals).toEqual([]);
  });
});
