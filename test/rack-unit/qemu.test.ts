import { describe, expect, it } from "vitest";
import { nodeFiles } from "../../rack/node/files.ts";
import { qemuArgv } from "../../rack/node/qemu.ts";
import { nodeSpec } from "../../rack/nodes/index.ts";
import { temporaryState } from "./state.ts";

temporaryState();

const plan = () => ({
  spec: nodeSpec("entry-4090"),
  files: nodeFiles("entry-4090"),
  ports: { ssh: 22000, endpoint: 22001, prometheus: 22002, alertmanager: 22003, grafana: 22004 },
  accelerator: "tcg" as const,
  kernel: "/k",
  initrd: "/i",
  firmwareFiles: { "opt/racksmith/gpus": "/with,comma" },
});

describe("the command line of a node", () => {
  it("forwards every port on the loopback only", () => {
    const netdev = qemuArgv(plan()).find((word) => word.startsWith("user,id=net"));
    const forwards = netdev?.split(",hostfwd=").slice(1);
    expect(forwards).toHaveLength(5);
    expect(forwards).toContain("tcp:127.0.0.1:22001-:8000");
    expect(forwards?.every((forward) => forward.startsWith("tcp:127.0.0.1:"))).toBe(true);
  });

  it("gives each disk its serial and a cache that a power cut empties but a flush does not", () => {
    const argv = qemuArgv(plan());
    expect(argv).toContain("nvme,drive=RACKNVME0001,serial=RACKNVME0001");
    expect(argv).toContain("virtio-blk-pci,drive=system,serial=RACKSYSTEM");
    const drives = argv.filter((word) => word.startsWith("if=none"));
    expect(drives).toHaveLength(5);
    expect(drives.every((drive) => drive.includes("cache=writeback"))).toBe(true);
  });

  it("doubles commas, which would end a value", () => {
    expect(qemuArgv(plan())).toContain("name=opt/racksmith/gpus,file=/with,,comma");
  });

  it("uses KVM only when told", () => {
    expect(qemuArgv(plan())).toContain("tcg,thread=multi");
    expect(qemuArgv({ ...plan(), accelerator: "kvm" })).not.toContain("tcg,thread=multi");
  });
});

describe("nodes by name", () => {
  it("takes a suffix for one more of a kind, and names what there is otherwise", () => {
    expect(nodeSpec("entry-4090.b")).toMatchObject({ name: "entry-4090.b", tier: "entry-4090" });
    for (const wrong of ["entry-4091", "entry-4090.", "entry-4090./../x", "entry-4090.$(id)", ""])
      expect(() => nodeSpec(wrong)).toThrow(/no such node.*entry-4090/);
  });
});
