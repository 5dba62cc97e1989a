import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Exported, resourcesOf } from "../../cli/stack/state.ts";
import { onNode, sshArgv } from "../../rack/index.ts";
import { run } from "../../rack/run.ts";

/** What racksmith writes beside the files that the stack's state lists. */
const PATHS = [
  "/etc/apt/preferences.d/racksmith-driver",
  "/etc/systemd/system/racksmith-gpu.service",
  "/etc/mdadm/mdadm.conf",
  "/etc/crypttab",
  "/etc/systemd/system/srv-racksmith-vault.mount",
  "/etc/docker/daemon.json",
  "/etc/systemd/system/racksmith-inference-main.service",
  "/etc/systemd/system/racksmith-gateway.service",
  "/etc/racksmith/gateway/haproxy.cfg",
  "/etc/racksmith/gateway/keys.map",
  "/etc/sudoers.d/racksmith",
];
const DPKG_HELD = "dpkg-query -W -f '${db:Status-Abbrev} ${Package}=${Version}\\n' | grep ^hi";
const UNITS = ["nvidia-persistenced", "nvidia-dcgm", "racksmith-gpu"];

const withPaths = z.object({
  files: z.array(z.looseObject({ path: z.string(), sha256: z.string().optional() })),
});

/** Files that the stack's resources keep, by the state of baseline and of every set of files. */
export function managedPaths(state: Exported): string[] {
  const listed = resourcesOf(state).flatMap(({ type, inputs, outputs }) => {
    const from =
      type === "racksmith:index:Files" ? inputs : type === "racksmith:index:Baseline" ? outputs?.facts : {};
    const parsed = withPaths.safeParse(from);
    return parsed.success
      ? parsed.data.files.filter(({ sha256 }) => sha256 !== "").map(({ path }) => path)
      : [];
  });
  return [...new Set([...PATHS, ...listed])];
}

/** Takes the node's state as the play's variables, and its files into `folder` (they hold a key: 0700). */
export async function playVariables(node: string, state: Exported, folder: string): Promise<object> {
  const sudo = (command: string) => onNode(node, `sudo sh -c '${command.replaceAll("'", "'\\''")}'`);
  const lines = async (command: string) => (await sudo(command)).split("\n").filter(Boolean);
  const paths = managedPaths(state).join(" ");
  const files = join(folder, "files");
  mkdirSync(files, { recursive: true, mode: 0o700 });
  const archive = join(folder, "files.tar.b64");
  writeFileSync(archive, await sudo(`tar -C / -ch ${paths} 2>/dev/null | base64`), { mode: 0o600 });
  await run(["sh", "-c", `base64 -d ${archive} | tar -x -C ${files}`]);
  return {
    files_folder: files,
    managed_files: (await lines(`stat -Lc "%n %U %G %04a" ${paths} 2>/dev/null`)).map((line) => {
      const [path, owner, group, mode] = line.split(" ");
      return { path, owner, group, mode };
    }),
    disk_serials: ["RACKNVME0001", "RACKNVME0002"],
    held_packages: (await lines(DPKG_HELD)).map((line) => line.split(" ").at(-1)),
    driver_version: (await lines("nvidia-smi --query-gpu=driver_version --format=csv,noheader"))[0],
    driver_units: await lines(`for u in ${UNITS.join(" ")}; do systemctl is-active -q $u && echo $u; done`),
    current_version: (await lines("readlink /srv/racksmith/vault/weights/current"))[0],
    containers: (
      await lines('docker ps --format {{.Names}} | xargs docker inspect -f "{{.Name}} {{.Config.Image}}"')
    ).map((line) => {
      const [name = "", image] = line.split(" ");
      return { name: name.slice(1), image };
    }),
  };
}

/** Ansible's inventory of the one node, by the rack's own key and pinned host key. */
export async function inventory(node: string): Promise<object> {
  const argv = await sshArgv(node, [], () => undefined);
  const user = argv.at(-1)?.split("@")[0];
  const args = argv.slice(1, -1).map((word) => (/["\s]/.test(word) ? `'${word}'` : word));
  const host = {
    ansible_host: "127.0.0.1",
    ansible_user: user,
    ansible_ssh_common_args: args.join(" "),
    ansible_python_interpreter: "/usr/bin/python3",
  };
  return { all: { hosts: { [node]: host } } };
}
