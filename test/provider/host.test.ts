import { describe, expect, it } from "vitest";
import type { Refusal } from "../../provider/noun.ts";
import type { Disk, HostFacts } from "../../provider/resources/host/facts.ts";
import { gpusOf } from "../../provider/resources/host/gpus.ts";
import { host } from "../../provider/resources/host.ts";
import { ENTRY_4090 } from "../../rack/nodes/entry-4090.ts";
import { BARE_4090 } from "../recordings/hosts.ts";

const TIER = {
  memoryGiB: 64,
  diskGB: 1000,
  gpus: { model: "RTX 4090", count: 1, vramGiB: 24 },
  disks: ["S6A1", "S6A2"],
  ports: [8000, 9090],
};

function refuse(inputs: Record<string, unknown> = {}, facts: Partial<HostFacts> = {}): Refusal[] {
  return host.refuse?.(host.inputs.parse({ ...TIER, ...inputs }), { ...BARE_4090, ...facts }) ?? [];
}

function withDisk(serial: string, change: Partial<Disk>): Partial<HostFacts> {
  return { disks: BARE_4090.disks.map((disk) => (disk.serial === serial ? { ...disk, ...change } : disk)) };
}

const ext4 = { device: "/dev/nvme0n1", type: "ext4", uuid: "0d6b-77", label: "ledger" };

describe("host", () => {
  it("takes the machine that the tier asks for, and never finds anything to change", () => {
    expect(refuse()).toEqual([]);
    expect(host.compare(host.inputs.parse(TIER), BARE_4090)).toEqual([]);
  });

  it("says everything at once, the tier's number beside the machine's", () => {
    const all = refuse(
      {
        os: ["ubuntu24.04"],
        memoryGiB: 512,
        cpuThreads: 64,
        rootFreeGiB: 50,
        gpus: { model: "H100", count: 8, vramGiB: 80 },
        disks: ["GONE"],
      },
      { arch: "aarch64", secureBoot: "enabled" },
    );
    expect(all.map(({ path, found, wanted }) => `${path}: ${found} | ${wanted}`)).toEqual([
      "arch: aarch64 | x86_64",
      "os: debian13 (Debian GNU/Linux 13 (trixie)) | ubuntu24.04",
      "secureBoot: enabled | disabled",
      "cpuThreads: 32 | at least 64",
      "memoryGiB: 62.6 GiB | at least 512 GiB",
      "rootFreeGiB: 10 GiB free on / | at least 50 GiB",
      "gpus.count: NVIDIA GeForce RTX 4090 | at least 8 × H100",
      "disks.GONE: only S664NA0 (/dev/sda), S6A1 (/dev/nvme0n1), S6A2 (/dev/nvme1n1) | a disk with serial GONE",
    ]);
    expect(all.every(({ remedy }) => remedy.length > 10)).toBe(true);
  });

  it.each([
    ["a filesystem", { signatures: [ext4] }, 'carries ext4 "ledger" 0d6b-77 on /dev/nvme0n1'],
    ["LVM", { signatures: [{ ...ext4, type: "LVM2_member", label: "" }] }, "carries LVM2_member 0d6b-77"],
    ["LUKS", { signatures: [{ ...ext4, type: "crypto_LUKS", label: "" }] }, "carries crypto_LUKS"],
    ["a partition table", { signatures: [{ ...ext4, type: "gpt", uuid: "", label: "" }] }, "carries gpt on"],
    [
      "a strange array",
      { signatures: [{ ...ext4, type: "linux_raid_member", label: "old:data" }] },
      "carries linux_raid_member",
    ],
    ["a mount", { mounts: ["/home"], signatures: [ext4] }, "is mounted at /home"],
  ])("keeps off a disk with %s", (_, change, found) => {
    const [refusal, ...others] = refuse({}, withDisk("S6A1", change));
    expect(refusal).toMatchObject({ path: "disks.S6A1", found: expect.stringContaining(found) });
    expect(others).toEqual([]);
  });

  it("takes a disk whose serial was typed for wiping, but never a mounted one", () => {
    expect(refuse({ wipe: ["S6A1"] }, withDisk("S6A1", { signatures: [ext4] }))).toEqual([]);
    expect(refuse({ wipe: ["S6A2"] }, withDisk("S6A1", { signatures: [ext4] }))).toHaveLength(1);
    expect(refuse({ wipe: ["S6A1"] }, withDisk("S6A1", { mounts: ["/home"] }))).toHaveLength(1);
  });

  it("knows the members of its own arrays", () => {
    const member = { ...ext4, type: "linux_raid_member", label: "gpu-1:racksmith" };
    expect(refuse({ arrays: ["racksmith"] }, withDisk("S6A1", { signatures: [member] }))).toEqual([]);
    expect(refuse({ arrays: ["racksmith"] }, withDisk("S6A1", { signatures: [member, ext4] }))).toHaveLength(
      1,
    );
  });

  it("leaves a disk lost from a built array to raid", () => {
    const member = { ...ext4, type: "linux_raid_member", label: "racksmith:racksmith" };
    const wanted = { arrays: ["racksmith"], disks: ["S6A1", "GONE"] };
    expect(refuse(wanted, withDisk("S6A1", { signatures: [member] }))).toEqual([]);
    expect(refuse(wanted).map(({ path }) => path)).toEqual(["disks.GONE"]);
    const other = { ...member, label: "racksmith:other" };
    expect(refuse(wanted, withDisk("S6A1", { signatures: [other] })).map(({ path }) => path)).toContain(
      "disks.GONE",
    );
    // Another server's disk, put in beside them and not named here, does not count.
    expect(refuse(wanted, withDisk("S6A2", { signatures: [member] })).map(({ path }) => path)).toEqual([
      "disks.GONE",
    ]);
  });

  it("refuses small disks and serials that two disks carry", () => {
    expect(refuse({ diskGB: 2000 }).map(({ found }) => found)).toEqual([
      "/dev/nvme0n1 has 1920.4 GB",
      "/dev/nvme1n1 has 1920.4 GB",
    ]);
    const twin = { disks: [...BARE_4090.disks, ...BARE_4090.disks.slice(1, 2)] };
    expect(refuse({}, twin)[0]).toMatchObject({ path: "disks.S6A1", wanted: "one disk" });
  });

  it("refuses a port that a stranger holds, not its own", () => {
    const held = (holder: string, process: string) => ({
      ports: [{ port: 8000, address: "0.0.0.0", process, holder }],
    });
    expect(refuse({}, held("nginx.service", "nginx"))).toMatchObject([
      { path: "ports.8000", found: "nginx listens on 0.0.0.0:8000 (nginx.service)" },
    ]);
    expect(refuse({}, held("racksmith-gateway.service", "haproxy"))).toEqual([]);
    expect(refuse({}, held("container racksmith-prometheus", "docker-proxy"))).toEqual([]);
    expect(refuse({}, held("container web, racksmith-x", "docker-proxy"))).toHaveLength(1);
  });

  it("asks for the whole free space only before the first deployment", () => {
    expect(refuse({}, { rootFreeMiB: 5000 })).toHaveLength(1);
    expect(refuse({}, { rootFreeMiB: 5000, managed: true })).toEqual([]);
    expect(refuse({}, { rootFreeMiB: 900, managed: true })).toHaveLength(1);
  });

  it("knows video memory by the driver first, by the board where no driver answers", () => {
    expect(refuse({ gpus: { model: "4090", count: 1, vramGiB: 48 } })).toMatchObject([
      {
        path: "gpus.vramGiB",
        found: "NVIDIA GeForce RTX 4090 at 0000:01:00.0: 24 GiB",
        wanted: "at least 48 GiB each",
      },
    ]);
    const said = { driverGpus: ["00000000:01:00.0, NVIDIA GeForce RTX 4090, 49140"] };
    expect(refuse({ gpus: { model: "4090", count: 1, vramGiB: 48 } }, said)).toEqual([]);
  });

  it.each([
    ["H100 80GB HBM3, 81559", 80],
    ["H200, 143771", 141],
    ["A100-SXM4-80GB, 81920", 80],
    ["GeForce RTX 4090, 24564", 24],
  ])("takes vendors' rounding for what it is: %s", (line, vramGiB) => {
    const driverGpus = [`00000000:01:00.0, NVIDIA ${line}`];
    expect(refuse({ gpus: { model: "NVIDIA", count: 1, vramGiB } }, { driverGpus })).toEqual([]);
  });

  it("reads the rack's description and marks it simulated", () => {
    const simulatedGpus = JSON.stringify({ simulated: true, gpus: ENTRY_4090.gpus });
    expect(gpusOf({ ...BARE_4090, pciGpus: [], simulatedGpus })).toEqual([
      {
        bus: "0000:01:00.0",
        model: "NVIDIA GeForce RTX 4090",
        vramGiB: 24564 / 1024,
        architecture: "Ada",
        simulated: true,
      },
    ]);
  });
});
