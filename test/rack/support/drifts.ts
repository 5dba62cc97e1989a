/** One thing that somebody changed on a node behind racksmith's back. */
export interface Drift {
  what: string;
  /** Shell, as root, on the node. */
  seed: string;
  /** Names of changes, as a preview prints them before `: found`; or what it prints of a resource. */
  shows: RegExp;
  /** Shell, as root: succeeds when it is as it was before. */
  mended: string;
}

/** A change of one noun, `PATH: found …`. */
const named = (path: string) => new RegExp(`${path.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}: found `);

const MODEL = "/srv/racksmith/vault/weights/current/model.gguf";
const RULES = "/etc/racksmith/monitoring/prometheus/rules.yml";
const ENGINE = "racksmith-inference-main";
const running = (container: string) => `[ "$(docker inspect -f '{{.State.Running}}' ${container})" = true ]`;
/** Undoes nothing that was not there: the file is compared with what it was. */
const keep = (path: string) => `cp -p ${path} /root/before-$(basename ${path})`;
const same = (path: string) => `cmp ${path} /root/before-$(basename ${path})`;

/** Of the system, the storage and who may do what: the containers go on meanwhile. */
export const SYSTEM_DRIFTS: readonly Drift[] = [
  {
    what: "a driver package unheld",
    seed: "apt-mark unhold nvidia-smi",
    shows: named("holds.nvidia-smi"),
    mended: "dpkg --get-selections nvidia-smi | grep -w hold",
  },
  {
    what: "a driver package gone",
    seed: "dpkg --remove --force-depends --force-hold libcudnn9-cuda-13",
    shows: named("packages.libcudnn9-cuda-13"),
    mended: "dpkg-query -W -f '${db:Status-Abbrev}' libcudnn9-cuda-13 | grep '^hi'",
  },
  {
    what: "Docker unheld",
    seed: "apt-mark unhold docker.io",
    shows: named("hold/docker.io"),
    mended: "dpkg --get-selections docker.io | grep -w hold",
  },
  {
    what: "a kernel setting's file edited",
    seed: `${keep("/etc/sysctl.d/90-racksmith.conf")}; echo vm.swappiness=90 >>/etc/sysctl.d/90-racksmith.conf`,
    shows: named("sysctl./etc/sysctl.d/90-racksmith.conf"),
    mended: same("/etc/sysctl.d/90-racksmith.conf"),
  },
  {
    what: "a kernel setting changed",
    seed: "sysctl -q -w vm.swappiness=61",
    shows: named("sysctl.vm.swappiness"),
    mended: "[ $(sysctl -n vm.swappiness) = 10 ]",
  },
  {
    what: "a configuration file's mode changed",
    seed: "chmod 600 /etc/security/limits.d/90-racksmith.conf",
    shows: named("memlock./etc/security/limits.d/90-racksmith.conf.mode"),
    mended: "[ $(stat -c %a /etc/security/limits.d/90-racksmith.conf) = 644 ]",
  },
  {
    what: "transparent huge pages changed",
    seed: "echo always >/sys/kernel/mm/transparent_hugepage/enabled",
    shows: named("transparentHugePages"),
    mended: "grep -F '[madvise]' /sys/kernel/mm/transparent_hugepage/enabled",
  },
  {
    what: "swap switched on",
    seed: "fallocate -l 16M /swapfile && chmod 600 /swapfile && mkswap /swapfile && swapon /swapfile",
    shows: named("swap"),
    mended: "[ $(wc -l </proc/swaps) = 1 ]",
  },
  {
    what: "the time service stopped",
    seed: "systemctl stop systemd-timesyncd",
    shows: named("timeSync"),
    mended: "systemctl is-active systemd-timesyncd",
  },
  {
    what: "the GPU's persistence daemon stopped",
    seed: "systemctl stop nvidia-persistenced",
    shows: named("services.nvidia-persistenced"),
    mended: "systemctl is-active nvidia-persistenced",
  },
  {
    what: "the GPU's persistence switched off",
    seed: "nvidia-smi -pm 0",
    shows: /gpus\.[0-9A-Fa-f:.]+\.persistence: found off/,
    mended: "nvidia-smi --query-gpu=persistence_mode --format=csv,noheader | grep -w Enabled",
  },
  {
    what: "an array member failed",
    seed: "mdadm --quiet /dev/md/racksmith --fail $(lsblk -dnro PATH,SERIAL | awk '$2==\"RACKNVME0002\"{print $1}')",
    shows: named("members.RACKNVME0002"),
    mended:
      "! mdadm --detail /dev/md/racksmith | grep -qw faulty && mdadm --detail /dev/md/racksmith | grep -cE '(active sync|rebuilding)' | grep -qx 2",
  },
  {
    what: "the array's line gone from mdadm.conf",
    seed: `${keep("/etc/mdadm/mdadm.conf")}; sed -i '/^ARRAY/d' /etc/mdadm/mdadm.conf`,
    shows: named("mdadm.conf"),
    mended: same("/etc/mdadm/mdadm.conf"),
  },
  {
    what: "the vault's line gone from crypttab",
    seed: `${keep("/etc/crypttab")}; sed -i /^racksmith-/d /etc/crypttab`,
    shows: named("boot"),
    mended: same("/etc/crypttab"),
  },
  {
    what: "a model file written to",
    seed: `sha256sum <${MODEL} >/root/before-model; chmod 644 ${MODEL} && printf x >>${MODEL}`,
    shows: named("files.model.gguf"),
    mended: `sha256sum <${MODEL} | cmp - /root/before-model`,
  },
  {
    what: "the sudo rules edited",
    seed: `${keep("/etc/sudoers.d/racksmith")}; echo '%racksmith-auditor ALL=(ALL) NOPASSWD: ALL' >>/etc/sudoers.d/racksmith`,
    shows: named("sudoers"),
    mended: same("/etc/sudoers.d/racksmith"),
  },
  {
    what: "somebody put into a role's group",
    seed: "usermod -aG racksmith-admin nobody",
    shows: named("members/nobody"),
    mended: "! id -nG nobody | grep -qw racksmith-admin",
  },
  {
    what: "the vault's folder opened to all",
    seed: "chmod 777 /srv/racksmith/vault",
    shows: named("/srv/racksmith/vault"),
    mended: "[ \"$(stat -c '%a %G' /srv/racksmith/vault)\" = '750 racksmith-engineer' ]",
  },
  {
    what: "the CDI description of the GPUs gone",
    seed: "rm /etc/cdi/nvidia.yaml",
    shows: named("cdi"),
    mended: "[ -s /etc/cdi/nvidia.yaml ]",
  },
  {
    what: "daemon.json edited",
    seed: `${keep("/etc/docker/daemon.json")}; sed -i 's/"max-file": *"[0-9]*"/"max-file": "99"/' /etc/docker/daemon.json; ! ${same("/etc/docker/daemon.json")}`,
    shows: named("daemon.json/log-opts"),
    mended: same("/etc/docker/daemon.json"),
  },
  {
    what: "an alert rule edited",
    seed: `${keep(RULES)}; sed -i '0,/0\\.85/s//0.99/' ${RULES}; ! ${same(RULES)}`,
    shows: named(`${RULES}:content`),
    mended: same(RULES),
  },
];

/** Of what serves: containers, gateway, the vault under them. */
export const SERVICE_DRIFTS: readonly Drift[] = [
  {
    what: "a monitoring container stopped",
    seed: "docker stop -t 2 racksmith-node-exporter",
    shows: /docker:index\/?\w*:Container \S*node-exporter.*(mustRun|update|replace|create)/,
    mended: running("racksmith-node-exporter"),
  },
  {
    what: "a monitoring container removed",
    seed: "docker rm -f racksmith-alertmanager",
    shows: /docker:index\/?\w*:Container \S*alertmanager.*create/,
    mended: running("racksmith-alertmanager"),
  },
  {
    what: "the gateway stopped",
    seed: "systemctl stop racksmith-gateway",
    shows: named("gateway.active"),
    mended: "systemctl is-active racksmith-gateway",
  },
  {
    what: "the gateway kept from starting at boot",
    seed: "systemctl disable -q racksmith-gateway",
    shows: named("gateway.enabled"),
    mended: "systemctl is-enabled racksmith-gateway",
  },
  {
    what: "the keys' file opened to all",
    seed: "chmod 644 /etc/racksmith/gateway/keys.map",
    shows: named("gateway.keysMode"),
    mended: "[ $(stat -c %a /etc/racksmith/gateway/keys.map) = 600 ]",
  },
  {
    what: "the engine's container removed",
    seed: `systemctl stop ${ENGINE}; docker rm -f ${ENGINE}`,
    shows: named("container"),
    mended: running(ENGINE),
  },
  {
    what: "the vault unmounted and closed",
    seed: "umount /srv/racksmith/vault && cryptsetup close racksmith-vault",
    shows: named("volume"),
    mended: "cryptsetup status racksmith-vault | grep sm4-xts && findmnt /srv/racksmith/vault",
  },
];

/** Alone: while Docker is down, nothing is known of its containers. Its socket would start it again when asked. */
export const DOCKER_DRIFTS: readonly Drift[] = [
  {
    what: "Docker stopped, its socket too",
    seed: "systemctl stop docker.socket docker.service",
    shows: named("active"),
    mended: `systemctl is-active docker && ${running("racksmith-prometheus")} && ${running(ENGINE)}`,
  },
];
