import { describe, expect, it } from "vitest";
import { raidConfig } from "../../config/raid.ts";
import { raid } from "../../provider/resources/raid.ts";

type Facts = ReturnType<typeof raid.facts.parse>;
type Disk = Facts["disks"][number];
type FoundArray = NonNullable<Facts["array"]>;

const UUID = "0a1b2c3d:4e5f6071:8293a4b5:c6d7e8f9";
const OTHER = "ffffffff:4e5f6071:8293a4b5:c6d7e8f9";

const blank = (serial: string, more: Partial<Disk> = {}): Disk => ({
  serial,
  device: `/dev/${serial.toLowerCase()}`,
  sizeBytes: 3 * 2 ** 30,
  carries: "",
  usedBy: "",
  arrayUuid: "",
  arrayName: "",
  wentApart: false,
  ranHere: false,
  ...more,
});
const member = (serial: string, uuid = UUID): Disk =>
  blank(serial, {
    carries: "linux_raid_member 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
    arrayUuid: uuid,
    arrayName: "racksmith:racksmith",
  });
const array = (
  members: Record<string, FoundArray["members"][number]["state"]>,
  more: Partial<FoundArray> = {},
) => ({
  uuid: UUID,
  device: "/dev/md127",
  running: true,
  level: 1,
  chunkKiB: 0,
  bitmap: true,
  memberCount: 2,
  members: Object.entries(members).map(([serial, state]) => ({ serial, state })),
  ...more,
});
const found = (more: Partial<Facts>): Facts =>
  raid.facts.parse({
    array: null,
    disks: [],
    creatingUuid: "",
    configured: true,
    initramfsDue: false,
    webhook: true,
    ...more,
  });
const want = (more: Record<string, unknown> = {}) => raid.inputs.parse({ members: ["A", "B"], ...more });
const paths = (list: readonly { path: string }[] | undefined) => list?.map(({ path }) => path);

describe("raid compare", () => {
  it("finds nothing to do on a healthy array", () => {
    const facts = found({ array: array({ A: "in_sync", B: "in_sync" }), disks: [member("A"), member("B")] });
    expect(raid.compare(want(), facts)).toEqual([]);
    expect(raid.refuse?.(want(), facts)).toEqual([]);
  });

  it("is in sync while a member rebuilds", () => {
    expect(raid.compare(want(), found({ array: array({ A: "in_sync", B: "rebuilding" }) }))).toEqual([]);
  });

  it("creates over blank disks without data loss", () => {
    const facts = found({ disks: [blank("A"), blank("B")], configured: false });
    expect(raid.compare(want(), facts)).toEqual([
      { path: "array", found: "none", wanted: "RAID 1 of A, B", disruption: "none" },
    ]);
    expect(raid.refuse?.(want(), facts)).toEqual([]);
  });

  it("calls it data loss where wipe is used", () => {
    const facts = found({ disks: [blank("A", { carries: "ext4 1234" }), blank("B")] });
    expect(raid.compare(want({ wipe: ["A"] }), facts)[0]?.disruption).toBe("data loss");
    expect(raid.refuse?.(want({ wipe: ["A"] }), facts)).toEqual([]);
  });

  it("only assembles an array that is stopped", () => {
    const facts = found({ disks: [member("A"), member("B")] });
    expect(raid.compare(want(), facts)[0]).toMatchObject({ found: "not assembled", disruption: "none" });
    expect(raid.refuse?.(want(), facts)).toEqual([]);
  });

  it("names a failed member, and one that is not in the array", () => {
    expect(raid.compare(want(), found({ array: array({ A: "in_sync", B: "faulty" }) }))).toEqual([
      { path: "members.B", found: "failed", wanted: "in sync", disruption: "none" },
    ]);
    const disks = [member("A"), blank("B")];
    expect(raid.compare(want(), found({ array: array({ A: "in_sync" }), disks }))).toEqual([
      { path: "members.B", found: "not in the array", wanted: "in sync", disruption: "none" },
    ]);
  });

  it("removes a failed member for which a spare stands in, and does not bring it back", () => {
    const wanted = want({ spares: ["C"] });
    const failed = found({ array: array({ A: "in_sync", B: "faulty", C: "in_sync" }) });
    expect(raid.compare(wanted, failed)).toEqual([
      { path: "members.B", found: "failed", wanted: "removed", disruption: "none" },
    ]);
    const removed = found({
      array: array({ A: "in_sync", C: "rebuilding" }),
      disks: [member("A"), blank("B"), member("C")],
    });
    expect(raid.compare(wanted, removed)).toEqual([]);
  });

  it("replaces a member that is no longer named", () => {
    const facts = found({ array: array({ A: "in_sync", OLD: "in_sync" }), disks: [member("A"), blank("B")] });
    expect(paths(raid.compare(want(), facts))).toEqual(["members.OLD"]);
    const leaving = found({ array: array({ A: "in_sync", OLD: "leaving", B: "rebuilding" }) });
    expect(raid.compare(want(), leaving)).toEqual([]);
  });

  it("sees bitmap, mdadm.conf and webhook drift", () => {
    const facts = found({
      array: array({ A: "in_sync", B: "in_sync" }, { bitmap: false }),
      configured: false,
      webhook: false,
    });
    expect(paths(raid.compare(want(), facts))).toEqual(["bitmap", "mdadm.conf", "monitorWebhook"]);
  });

  it("ends what an interrupted act left to end: the journal of a running array, the initramfs", () => {
    const healthy = { array: array({ A: "in_sync", B: "in_sync" }), disks: [member("A"), member("B")] };
    const left = raid.compare(want(), found({ ...healthy, creatingUuid: UUID, initramfsDue: true }));
    expect(paths(left)).toEqual(["creation", "initramfs"]);
    expect(left.every(({ disruption }) => disruption === "none")).toBe(true);
  });
});

describe("raid refuse", () => {
  it("names device, size, contents and the word that would allow it", () => {
    const disk = blank("A", { device: "/dev/nvme0n1", carries: "gpt 77, ext4 12" });
    expect(raid.refuse?.(want(), found({ disks: [disk, blank("B")] }))).toEqual([
      {
        path: "members.A",
        found: "/dev/nvme0n1, 3.0 GiB, carries gpt 77, ext4 12",
        wanted: "a blank disk",
        remedy: "all on it would be lost. If that may be, put its serial into wipe: [A]",
      },
    ]);
  });

  it("refuses a mounted disk even when it may be wiped", () => {
    const disks = [blank("A", { carries: "ext4 12", usedBy: "sda1 mounted at /" }), blank("B")];
    expect(raid.refuse?.(want({ wipe: ["A"] }), found({ disks }))?.[0]?.found).toContain("mounted at /");
  });

  it("refuses a missing serial and an ambiguous one", () => {
    const disks = [blank("A", { device: "" }), blank("B", { device: "ambiguous" })];
    expect(paths(raid.refuse?.(want(), found({ disks })))).toEqual(["members.A", "members.B"]);
  });

  it("reports a degraded array that nothing can mend, unless that is allowed or a spare is at hand", () => {
    const facts = found({ array: array({ A: "in_sync" }), disks: [member("A"), blank("B", { device: "" })] });
    expect(paths(raid.refuse?.(want(), facts))).toEqual(["members.B"]);
    expect(raid.refuse?.(want({ allowDegraded: true }), facts)).toEqual([]);
    const spare = { ...facts, disks: [...facts.disks, blank("C")] };
    expect(raid.refuse?.(want({ spares: ["C"] }), spare)).toEqual([]);
  });

  it("takes a former member back when it is older, and another only when it may be wiped", () => {
    const facts = (wentApart: boolean) =>
      found({ array: array({ A: "in_sync" }), disks: [member("A"), { ...member("B"), wentApart }] });
    expect(raid.refuse?.(want(), facts(false))).toEqual([]);
    expect(raid.compare(want(), facts(false))).toMatchObject([{ path: "members.B", disruption: "none" }]);
    expect(raid.refuse?.(want({ allowDegraded: true }), facts(true))).toMatchObject([
      { path: "members.B", remedy: expect.stringContaining("wipe: [B]") },
    ]);
    const wiped = want({ wipe: ["B"] });
    expect(raid.refuse?.(wiped, facts(true))).toEqual([]);
    expect(raid.compare(wiped, facts(true))).toMatchObject([{ path: "members.B", disruption: "data loss" }]);
  });

  it("calls it data loss when a new member carries something", () => {
    const disks = [member("A"), blank("B", { carries: "ext4 1234" })];
    const facts = found({ array: array({ A: "in_sync" }), disks });
    expect(raid.compare(want({ wipe: ["B"] }), facts)).toMatchObject([
      { path: "members.B", disruption: "data loss", why: "what B carries is destroyed, as wipe says" },
    ]);
  });

  it("takes a disk that is listed and cannot be read for a lost one, whatever may be wiped", () => {
    const dead = blank("B", { carries: "unreadable" });
    const facts = found({ array: array({ A: "in_sync" }), disks: [member("A"), dead, blank("C")] });
    expect(raid.refuse?.(want({ wipe: ["B"] }), facts)).toMatchObject([
      { path: "members.B", found: "/dev/b: listed, but cannot be read" },
    ]);
    expect(raid.refuse?.(want({ allowDegraded: true }), facts)).toEqual([]);
    expect(raid.compare(want({ allowDegraded: true }), facts)).toEqual([]);
    expect(raid.refuse?.(want({ spares: ["C"] }), facts)).toEqual([]);
    expect(paths(raid.compare(want({ spares: ["C"] }), facts))).toEqual(["spares.C"]);
    const deadSpare = {
      ...facts,
      disks: [member("A"), blank("B", { device: "" }), { ...dead, serial: "C" }],
    };
    expect(paths(raid.refuse?.(want({ spares: ["C"] }), deadSpare))).toEqual(["members.B", "spares.C"]);
    expect(paths(raid.refuse?.(want({ wipe: ["B"] }), found({ disks: [blank("A"), dead] })))).toEqual([
      "members.B",
    ]);
  });

  it.each([
    ["level", { level: 10, members: ["A", "B"] }],
    ["members", { members: ["A", "B", "C"] }],
  ])("never changes %s in place", (path, more) => {
    const facts = found({ array: array({ A: "in_sync", B: "in_sync" }), disks: [member("A"), member("B")] });
    const refusals = raid.refuse?.(want(more), facts);
    expect(paths(refusals)).toContain(path);
    expect(refusals?.find((refusal) => refusal.path === path)?.remedy).toContain(UUID);
  });

  it("never changes the chunk in place", () => {
    const facts = found({ array: array({ A: "in_sync", B: "in_sync" }, { level: 0, chunkKiB: 512 }) });
    expect(paths(raid.refuse?.(want({ level: 0, chunkKiB: 64 }), facts))).toEqual(["chunkKiB"]);
    expect(raid.refuse?.(want({ level: 0 }), facts)).toEqual([]);
  });

  it("takes its own half-made disks, and no others", () => {
    const half = { disks: [member("A"), member("B")], creatingUuid: UUID };
    expect(raid.refuse?.(want(), found(half))).toEqual([]);
    expect(raid.compare(want(), found(half))[0]).toMatchObject({ found: "none", disruption: "none" });
    const foreign = {
      disks: [{ ...member("A", OTHER), arrayName: "box:data" }, blank("B")],
      creatingUuid: UUID,
    };
    expect(paths(raid.refuse?.(want(), found(foreign)))).toEqual(["members.A"]);
  });

  it("leaves an array alone none of whose disks is named", () => {
    const facts = found({ array: array({ X: "in_sync", Y: "in_sync" }), disks: [blank("A"), blank("B")] });
    expect(raid.refuse?.(want(), facts)?.[0]?.remedy).toContain("none of its disks is named here");
  });
});

describe("raid inputs", () => {
  it("report every problem at once", () => {
    const result = raidConfig.safeParse({
      level: 10,
      members: ["A", "B", "B"],
      spares: ["A"],
      chunkKiB: 64,
      wipe: ["Z"],
    });
    expect(result.error?.issues.map((issue) => issue.path.join("/"))).toEqual(["members", "members", "wipe"]);
  });

  it.each(["$(reboot)", "a b", "../x", "x\ny", "", "x".repeat(10_000)])("refuse the serial %j", (serial) => {
    expect(raidConfig.safeParse({ members: [serial, "B"] }).success).toBe(false);
  });

  it("never send the webhook to observe", () => {
    const wanted = want({ monitorWebhook: "https://example.com/hook/canary" });
    expect(JSON.stringify(raid.forObserve(wanted))).not.toContain("canary");
    expect(raid.secrets).toContain("monitorWebhook");
  });
});
