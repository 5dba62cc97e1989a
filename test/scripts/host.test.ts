import { describe, expect, it } from "vitest";
import { hostFacts } from "../../provider/resources/host/facts.ts";
import { gpusOf } from "../../provider/resources/host/gpus.ts";
import { type FakeMachine, plainMachine } from "./host-machine.ts";

function observe(machine: FakeMachine, lines: string[] = []) {
  const { status, stdout, stderr } = machine.run("host/observe.sh", lines);
  expect(status, stderr).toBe(0);
  return hostFacts.parse(JSON.parse(stdout));
}

const pci = (machine: FakeMachine, bus: string, device: string, kind: string) => {
  machine.file(`sys/bus/pci/devices/${bus}/vendor`, "0x10de\n");
  machine.file(`sys/bus/pci/devices/${bus}/device`, `${device}\n`);
  machine.file(`sys/bus/pci/devices/${bus}/class`, `${kind}\n`);
};

describe("host/observe.sh", () => {
  it("says what the system is", () => {
    expect(observe(plainMachine())).toMatchObject({
      os: "ubuntu22.04",
      osName: "Ubuntu 22.04.5 LTS",
      kernel: "5.15.0-157-generic",
      secureBoot: "absent",
      cpuModel: "AMD EPYC 9354",
      cpuThreads: 2,
      memoryMiB: 64_131,
      disks: [],
      managed: false,
    });
  });

  it.each([
    [1, "enabled"],
    [0, "disabled"],
  ])("reads Secure Boot's variable, %i", (byte, secureBoot) => {
    const machine = plainMachine();
    const name = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    machine.file(name, Buffer.from([6, 0, 0, 0, byte]));
    expect(observe(machine).secureBoot).toBe(secureBoot);
  });

  it("finds what is really on the disks, by libblkid and not by udev's memory", () => {
    const machine = plainMachine();
    const ext4 = machine.image("ext4", ["mke2fs", "-q", "-F", "-t", "ext4", "-L", 'a,"b c']);
    const swap = machine.image("swap", ["mkswap", "-q"]);
    const empty = machine.image("empty");
    const row = (name: string, path: string, more = "") =>
      `NAME="${name}" PKNAME="" PATH="${path}" TYPE="disk" SIZE="8388608" ROTA="0" TRAN="nvme" SERIAL="S-${name}" MODEL="a\\x20b" MOUNTPOINT="${more}"`;
    machine.command(
      "lsblk",
      `cat <<'END'\n${[row("d0", ext4), row("d1", swap), row("d2", empty, "/a\\x20b"), row("zram0", empty)].join("\n")}\nEND`,
    );
    const { disks } = observe(machine);
    expect(
      disks.map(({ serial, model, signatures }) => [
        serial,
        model,
        signatures.map(({ type, label }) => type + label),
      ]),
    ).toEqual([
      ["S-d0", "a b", ['ext4a,"b c']],
      ["S-d1", "a b", ["swap"]],
      ["S-d2", "a b", []],
    ]);
    expect(disks[2]?.mounts).toEqual(["/a b"]);
  });

  it("counts what lies on an array or a partition to its disks", () => {
    const machine = plainMachine();
    const empty = machine.image("empty");
    const row = (name: string, parent: string, type: string, mount = "") =>
      `NAME="${name}" PKNAME="${parent}" PATH="${empty}" TYPE="${type}" SIZE="1" ROTA="0" TRAN="" SERIAL="" MODEL="" MOUNTPOINT="${mount}"`;
    const rows = [
      row("sda", "", "disk"),
      row("sda1", "sda", "part"),
      row("md0", "sda1", "raid1", "/srv"),
      row("sdb", "", "disk"),
      row("sdb1", "sdb", "part"),
      row("md0", "sdb1", "raid1", "/srv"),
    ];
    machine.command("lsblk", `cat <<'END'\n${rows.join("\n")}\nEND`);
    expect(observe(machine).disks.map(({ name, mounts }) => [name, mounts])).toEqual([
      ["sda", ["/srv"]],
      ["sdb", ["/srv"]],
    ]);
  });

  it("finds GPUs on the bus without a driver, and NVSwitches beside them", () => {
    const machine = plainMachine();
    pci(machine, "0000:18:00.0", "0x2330", "0x030200");
    pci(machine, "0000:07:00.0", "0x22a3", "0x068000");
    pci(machine, "0000:01:00.1", "0x22ba", "0x040300");
    const facts = observe(machine);
    expect(facts.nvswitches).toBe(1);
    expect(gpusOf(facts)).toEqual([
      {
        bus: "0000:18:00.0",
        model: "NVIDIA H100 80GB HBM3",
        vramGiB: 80,
        architecture: "Hopper",
        simulated: false,
      },
    ]);
  });

  it("believes the driver where there is one", () => {
    const machine = plainMachine();
    pci(machine, "0000:18:00.0", "0x2335", "0x030200");
    machine.file("proc/driver/nvidia/gpus/0000:18:00.0/information", "Model: \t\t NVIDIA H200\nIRQ: 1\n");
    machine.command(
      "nvidia-smi",
      `case $1 in nvlink) printf 'GPU 0: NVIDIA H200\\n\\t Link 0: 26.562 GB/s\\n\\t Link 1: <inactive>\\n' ;; *) printf '00000000:%s:00.0, NVIDIA H200, 143771\\n' 18 2a ;; esac`,
    );
    const facts = observe(machine);
    expect(facts.nvlinks).toBe(1);
    expect(gpusOf(facts)[0]).toMatchObject({ model: "NVIDIA H200", vramGiB: 143_771 / 1024 });
  });

  it("says who holds a port that was asked for, and keeps quiet about others", () => {
    const machine = plainMachine();
    machine.command(
      "ss",
      `cat <<'END'
LISTEN 0      511          0.0.0.0:8000      0.0.0.0:*    users:(("nginx",pid=77,fd=6))
LISTEN 0      128             [::]:9999         [::]:*    users:(("other",pid=78,fd=7))
END`,
    );
    machine.command("docker", "exit 1");
    machine.file("proc/77/cgroup", "0::/system.slice/nginx.service\n");
    expect(observe(machine, ["port=8000", "port=9090"]).ports).toEqual([
      { port: 8000, address: "0.0.0.0", process: "nginx", holder: "nginx.service" },
    ]);
  });

  it("knows a container on the host's network by its process", () => {
    const machine = plainMachine();
    const id = "0123456789abcdef".repeat(4);
    machine.command("ss", `echo 'LISTEN 0 511 *:9100 *:* users:(("node_exporter",pid=77,fd=6))'`);
    machine.command("docker", `[[ $1 == ps ]] && printf 'ff|other|\\n%s|racksmith-node-exporter|\\n' ${id}`);
    machine.file("proc/77/cgroup", `0::/system.slice/docker-${id}.scope\n`);
    expect(observe(machine, ["port=9100"]).ports).toMatchObject([
      { holder: "container racksmith-node-exporter", address: "*" },
    ]);
  });

  it("knows the container whose port Docker publishes", () => {
    const machine = plainMachine();
    machine.command("ss", `echo 'LISTEN 0 511 0.0.0.0:9100 *:* users:(("docker-proxy",pid=77,fd=6))'`);
    machine.command(
      "docker",
      `printf '%s\\n' 'aa|web|0.0.0.0:80->8080/tcp' 'bb|metrics|0.0.0.0:9100->9100/tcp, :::9100->9100/tcp'`,
    );
    machine.file("proc/77/cgroup", "0::/system.slice/docker.service\n");
    expect(observe(machine, ["port=9100"]).ports).toMatchObject([{ holder: "container metrics" }]);
  });

  describe("without Docker's daemon, while containers go on (live-restore)", () => {
    const id = "fedcba9876543210".repeat(4);
    const record = (name: string, running: boolean, ports = "{}") =>
      `{"State":{"Running":${running},"Pid":77},"ID":"${id}","Config":{"Env":["A={\\"Name\\":\\"/trap\\"}"],"Labels":{"Name":"/label"}},` +
      `"NetworkSettings":{"Ports":${ports}},"LogPath":"/x","Name":"/${name}","Driver":"overlay2",` +
      `"MountPoints":{"/data":{"Type":"volume","Name":"racksmith-data"}}}`;
    const without = (daemon: string, folder: string, text: string, process: string, cgroup: string) => {
      const machine = plainMachine();
      machine.command("ss", `echo 'LISTEN 0 511 *:9090 *:* users:(("${process}",pid=77,fd=6))'`);
      machine.command("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1");
      machine.file("proc/77/cgroup", `0::/system.slice/${cgroup}\n`);
      machine.file("etc/docker/daemon.json", daemon);
      machine.file(`${folder}/containers/${id}/config.v2.json`, text);
      return observe(machine, ["port=9090"]).ports[0]?.holder;
    };
    const scope = `docker-${id}.scope`;

    it("reads the name that the daemon wrote down, also below another data-root", () => {
      const text = record("racksmith-prometheus", true);
      expect(without("{}", "var/lib/docker", text, "prometheus", scope)).toBe(
        "container racksmith-prometheus",
      );
      const moved = '{\n  "live-restore": true,\n  "data-root" : "/data/docker"\n}';
      expect(without(moved, "data/docker", text, "prometheus", scope)).toBe("container racksmith-prometheus");
      expect(without(moved, "var/lib/docker", text, "prometheus", scope)).toBe(scope);
    });

    it("finds the running container that published the port", () => {
      const ports =
        '{"9090/tcp":[{"HostIp":"0.0.0.0","HostPort":"19090"},{"HostIp":"::","HostPort":"9090"}]}';
      const proxied = (text: string) =>
        without("{}", "var/lib/docker", text, "docker-proxy", "docker.service");
      expect(proxied(record("web", true, ports))).toBe("container web");
      expect(proxied(record("web", false, ports))).toBe("docker.service");
      expect(proxied(record("web", true, ports.replace('"9090"', '"909"')))).toBe("docker.service");
    });
  });

  it("does not change with free space above what is asked for", () => {
    expect(observe(plainMachine(), ["root_free_mib=1"]).rootFreeMiB).toBe(1);
  });
});
