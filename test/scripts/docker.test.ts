// Docker's act in a room: the real scripts, an engine that takes daemon.json in force at a restart only, and the
// rack's simulated NVIDIA tools.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { docker } from "../../provider/resources/docker.ts";
import { gpuDescription } from "../../rack/nvidia/description.ts";
import { debSpecs } from "../../rack/nvidia/packages.ts";
import { DRIVER_SETS } from "../../tiers/drivers/sets.ts";
import { bare, parse } from "../provider/docker-fixtures.ts";
import { inRoom, lastJson, rooms, type Said } from "./node-room.ts";

const tools = fileURLToPath(new URL("raid-tools", import.meta.url));

/** docker info answers from what was in force at the last restart; /mnt/kill: the act is killed just before that. */
const node = `
PATH=${tools}:$PATH
rm -rf /etc/docker /etc/cdi /var/lib/racksmith
rm -rf /var/lib/docker; mkdir -p /etc/docker /var/lib/racksmith /var/lib/docker /mnt/in-force
touch /mnt/in-force/daemon.json
value() { sed -nE "s/^  \\"$1\\": \\"?([^\\",]*).*/\\1/p" /mnt/in-force/daemon.json; }
docker() {
  local said=\${3-} root log cgroup
  [[ $1 == info ]] || return 0
  root=$(value data-root) log=$(value log-driver)
  cgroup=$(sed -nE 's/.*native.cgroupdriver=([a-z]+).*/\\1/p' /mnt/in-force/daemon.json)
  said=\${said//'{{.ServerVersion}}'/26.1.5} said=\${said//'{{.LiveRestoreEnabled}}'/$(value live-restore)}
  said=\${said//'{{.CgroupDriver}}'/$cgroup} said=\${said//'{{.LoggingDriver}}'/\${log:-json-file}}
  printf '%s\\n' "\${said//'{{.DockerRootDir}}'/\${root:-/var/lib/docker}}"
}
systemctl() {
  case "$*" in
    "restart docker.service")
      [[ ! -e /mnt/kill ]] || kill -KILL $$
      echo restarted >>"$CALLS"; cp /etc/docker/daemon.json /mnt/in-force/ ;;
    show*) printf 'ActiveState=active\\nUnitFileState=enabled\\n' ;;
  esac
}
dockerd() { :; }
export -f value docker systemctl dockerd
`;
const wanted = parse({ registryMirrors: ["https://mirror.example"] });
const rooted = parse({ dataRoot: "/srv/docker" });
const inputs = {
  plain: docker.forAct(parse(), bare),
  mirror: docker.forAct(wanted, bare),
  rooted: docker.forAct(rooted, bare),
  gpu: docker.forAct(parse({ gpu: true }), bare),
  look: docker.forObserve(wanted),
};
const onNode = (steps: string): Said => inRoom(node + steps, inputs);
/** What the running engine is said to lack, after `steps`. */
function lacking(steps: string, want = wanted): string[] {
  const facts = docker.facts.parse(lastJson(onNode(`${steps}\nrun docker/observe look`)));
  return docker
    .compare(want, facts)
    .map(({ path }) => path)
    .filter((path) => /^(running|daemon\.json)\//.test(path));
}

describe.skipIf(!rooms)("daemon.json comes into force", () => {
  const killed = "run docker/apply plain; touch /mnt/kill; run docker/apply mirror; rm /mnt/kill; ";

  it("with one restart, and with none where nothing changed", () => {
    const { out } = onNode(`run docker/apply mirror; echo "rc $rc"; run docker/apply mirror; cat "$CALLS"`);
    expect(out.match(/^restarted$/gm)).toHaveLength(1);
    expect(lacking("run docker/apply mirror")).toEqual([]);
  });

  it("after an act that was killed between the file and the restart: that is named, and the next one restarts", () => {
    expect(lacking(killed)).toEqual(["running/daemon.json"]);
    expect(lacking(`${killed} run docker/apply mirror`)).toEqual([]);
    const { out } = onNode(
      `${killed} run docker/apply mirror; grep -c mirror.example /mnt/in-force/daemon.json`,
    );
    expect(out).toMatch(/^1$/m);
  });

  it.each([
    ["log-driver", wanted, "mirror", `sed -i 's/"json-file"/"syslog"/' /mnt/in-force/daemon.json`],
    ["data-root", rooted, "rooted", `sed -i 's,/srv/docker,/var/lib/docker,' /mnt/in-force/daemon.json`],
  ])("where the engine runs with another %s than its file says", (key, want, name, fault) => {
    const drifted = `run docker/apply ${name}; ${fault}; `;
    expect(lacking(drifted, want)).toEqual([`running/${key}`]);
    expect(lacking(`${drifted} run docker/apply ${name}`, want)).toEqual([]);
  });
});

describe.skipIf(!rooms)("the GPUs' description for containers", () => {
  const sim = mkdtempSync(join(tmpdir(), "racksmith-sim-"));
  const driver = DRIVER_SETS.r580.driver.version;
  const names = ["racksmith-sim-gpu", "nvidia-kernel-open-dkms", "libnvidia-ml1", "nvidia-smi"];
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(sim, path)), { recursive: true });
    writeFileSync(join(sim, path), text, { mode });
  };
  const tooled = `PATH=${sim}/usr/bin:$PATH; export RACKSMITH_SIM_ROOT=${sim}; umask 077; `;

  beforeAll(() => {
    const specs = debSpecs("debian13");
    for (const name of [...names, "nvidia-container-toolkit-base"]) {
      const spec = specs.find(
        (one) => one.name === name && (one.version.startsWith(driver) || !/^5/.test(one.version)),
      );
      for (const [path, file] of Object.entries(spec?.files ?? {})) put(path, file.text, file.mode);
    }
    const gpu = { name: "NVIDIA A100", uuid: "GPU-a1", pciBusId: "00000000:41:00.0", pciId: "10de:20b2" };
    const size = {
      memoryMiB: 81920,
      computeCapability: "8.0",
      powerLimitWatts: 400,
      maxPowerLimitWatts: 400,
    };
    put(
      "etc/racksmith-sim/gpus.json",
      gpuDescription([{ ...gpu, ...size, eccSupported: true, migSupported: true }]),
    );
    const env = { ...process.env, RACKSMITH_SIM_ROOT: sim };
    const boot = spawnSync(join(sim, "usr/sbin/racksmith-sim"), ["boot"], { env, encoding: "utf8" });
    expect(boot.stderr).toBe("");
  });
  afterAll(() => rmSync(sim, { recursive: true }));

  it("is one file that everybody may read; what an earlier act left beside it goes", () => {
    const { out, err } = onNode(`${tooled} mkdir -p /etc/cdi; touch /etc/cdi/nvidia.yaml.new.yaml
run docker/apply gpu; echo "rc $rc"; ls /etc/cdi; stat -c %a /etc/cdi/nvidia.yaml; grep ^kind: /etc/cdi/nvidia.yaml`);
    expect(out, err).toContain("rc 0\nnvidia.yaml\n644\nkind: nvidia.com/gpu\n");
  });

  it("stays as it is when no new one can be made", () => {
    const { out, err } = onNode(`${tooled} mkdir -p /etc/cdi; echo old >/etc/cdi/nvidia.yaml
nvidia-ctk() { echo half; return 1; }; export -f nvidia-ctk
run docker/apply gpu; echo "rc $rc"; ls /etc/cdi; cat /etc/cdi/nvidia.yaml`);
    expect(out).toContain("rc 1\nnvidia.yaml\nold\n");
    expect(err).toContain("nvidia-ctk");
  });
});
