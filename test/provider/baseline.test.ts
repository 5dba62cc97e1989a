import { describe, expect, it } from "vitest";
import { digestOf, GPU_PACKAGES, wantedFiles } from "../../provider/resources/baseline/files.ts";
import { firewallRuleset } from "../../provider/resources/baseline/firewall.ts";
import { baseline, type baselineFacts } from "../../provider/resources/baseline.ts";

type Facts = ReturnType<typeof baselineFacts.parse>;
const inputs = (config: Record<string, unknown> = {}) => baseline.inputs.parse(config);

/** The host after a deployment that went well. */
function deployed(config: Record<string, unknown> = {}, facts: Partial<Facts> = {}): Facts {
  const wanted = inputs(config);
  return {
    files: wantedFiles(wanted).map(({ path, text }) => ({
      path,
      sha256: digestOf(text),
      mode: text === undefined ? "" : "644",
    })),
    filesDue: [],
    sysctl: Object.fromEntries(Object.entries(wanted.sysctl).map(([key, value]) => [key, String(value)])),
    memlock: "infinity",
    transparentHugePages: "madvise",
    swaps: [],
    fstabSwaps: [],
    nouveauLoaded: false,
    timeService: "systemd-timesyncd.service",
    unattendedBlacklist: ["docker-ce", ...GPU_PACKAGES],
    journalMaxUse: "1024M",
    firewall: wanted.firewall.enabled ? "loaded" : "absent",
    ...facts,
  };
}

const changes = (facts: Facts, config: Record<string, unknown> = {}) =>
  baseline
    .compare(inputs(config), facts)
    .map(({ path, found, disruption }) => `${path}: ${found} (${disruption})`);

describe("baseline compare", () => {
  it("finds nothing on a host that is right", () => {
    expect(changes(deployed())).toEqual([]);
    const open = { firewall: { enabled: true, allow: [{ port: 8000 }] } };
    expect(changes(deployed(open), open)).toEqual([]);
  });

  it.each<[string, Partial<Facts>, string]>([
    [
      "a kernel setting in force",
      { sysctl: { ...deployed().sysctl, "vm.swappiness": "60" } },
      "sysctl.vm.swappiness: 60 (none)",
    ],
    [
      "a file that an act wrote and did not bring into force",
      { filesDue: ["/etc/modprobe.d/racksmith-nouveau.conf"] },
      "blacklistNouveau./etc/modprobe.d/racksmith-nouveau.conf: changed, not in force yet (none)",
    ],
    ["memlock in force", { memlock: "8388608" }, "memlock: 8388608 (none)"],
    ["huge pages in force", { transparentHugePages: "always" }, "transparentHugePages: always (none)"],
    ["swap that somebody switched on", { swaps: ["/dev/sda3"] }, "swap: /dev/sda3 (none)"],
    [
      "swap that would come back",
      { fstabSwaps: ["UUID=1 in /etc/fstab"] },
      "swap: UUID=1 in /etc/fstab (none)",
    ],
    ["nouveau", { nouveauLoaded: true }, "blacklistNouveau: nouveau is loaded (reboot)"],
    ["a stopped time service", { timeService: "" }, "timeSync: no time service runs (none)"],
    ["a journal limit overridden elsewhere", { journalMaxUse: "4G" }, "journal.maxMiB: 4G (reload)"],
    ["a firewall where none is wanted", { firewall: "loaded" }, "firewall.enabled: loaded (reload)"],
  ])("names %s, and only that", (_, facts, line) => {
    expect(changes(deployed({}, facts))).toEqual([line]);
  });

  it("names an edited file and a changed mode by path", () => {
    const facts = deployed();
    const files = facts.files.map((file) => {
      if (file.path.endsWith("racksmith-nouveau.conf")) return { ...file, sha256: "0".repeat(64) };
      return file.path.startsWith("/etc/sysctl.d") ? { ...file, mode: "666" } : file;
    });
    expect(changes({ ...facts, files })).toEqual([
      "sysctl./etc/sysctl.d/90-racksmith.conf.mode: 666 (none)",
      "blacklistNouveau./etc/modprobe.d/racksmith-nouveau.conf: another text (none)",
    ]);
  });

  it("names packages that unattended-upgrades may touch", () => {
    const [line] = changes(deployed({}, { unattendedBlacklist: GPU_PACKAGES.slice(1) }));
    expect(line).toBe(`protectGpuPackages: unattended-upgrades may touch ${GPU_PACKAGES[0]} (none)`);
  });

  it("leaves what it is told to leave", () => {
    const system = {
      swap: "system",
      memlock: "system",
      transparentHugePages: "system",
      sysctl: {},
      timeSync: { enabled: false },
    };
    const facts = {
      swaps: ["/dev/sda3"],
      memlock: "1",
      transparentHugePages: "always",
      sysctl: {},
      timeService: "",
    };
    expect(changes(deployed(system, facts), system)).toEqual([]);
  });

  it("wants zram alone when told so", () => {
    const zram = { swap: "zram" };
    expect(changes(deployed(zram, { swaps: ["/dev/zram0"] }), zram)).toEqual([]);
    expect(changes(deployed(zram, { swaps: ["/dev/sda3"] }), zram)).toEqual([
      "swap: /dev/sda3 (none)",
      "swap: no zram (none)",
    ]);
  });

  it("does not mind how the kernel separates words", () => {
    const config = { sysctl: { "net.ipv4.ip_local_port_range": "32768 60000" } };
    const facts = { sysctl: { "net.ipv4.ip_local_port_range": "32768\t60000" } };
    expect(changes(deployed(config, facts), config)).toEqual([]);
  });
});

describe("firewall", () => {
  const ruleset = firewallRuleset(
    inputs({
      firewall: {
        enabled: true,
        allow: [
          { port: 8000 },
          { port: 9090, from: ["10.0.0.0/8", "fd00::/8"] },
          { port: 123, protocol: "udp" },
        ],
      },
    }),
  );

  it("drops by default, and lets SSH in before anything that may be asked for", () => {
    expect(ruleset).toContain("policy drop");
    expect(ruleset.indexOf("tcp dport $ssh_ports accept")).toBeGreaterThan(0);
    expect(ruleset.indexOf("tcp dport $ssh_ports accept")).toBeLessThan(
      ruleset.indexOf("tcp dport 8000 accept"),
    );
  });

  it("touches only racksmith's table and splits networks by family", () => {
    expect(ruleset.match(/table \S+ \S+/g)).toEqual(Array(3).fill("table inet racksmith"));
    expect(ruleset).not.toContain("flush ruleset");
    expect(ruleset).toContain("ip saddr { 10.0.0.0/8 } tcp dport 9090 accept");
    expect(ruleset).toContain("ip6 saddr { fd00::/8 } tcp dport 9090 accept");
    expect(ruleset).toContain("udp dport 123 accept");
  });
});
