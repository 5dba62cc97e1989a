import { existsSync } from "node:fs";
import { which } from "../../cli/engine/locate.ts";
import { must } from "../../cli/process.ts";

/** Commands that the cases run, each with the Debian package that has it. */
const packageOf = {
  dockerd: "docker.io",
  docker: "docker.io",
  "docker-registry": "docker-registry",
  sshd: "openssh-server",
  ssh: "openssh-client",
  "ssh-agent": "openssh-client",
  "ssh-add": "openssh-client",
  "ssh-keygen": "openssh-client",
  unshare: "util-linux",
  busybox: "busybox-static",
} as const;

const path = `${process.env.PATH}:/usr/sbin:/sbin`;

/** The absolute path of one of them. */
export function tool(name: keyof typeof packageOf): string {
  const found = which(name, path);
  if (!found) throw new Error(`${name}: not found on PATH; apt-get install ${packageOf[name]}`);
  return found;
}

/** Makes sure that all are there: in a container their packages are installed, elsewhere named. */
export async function needTools(): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error("the conformance cases run a Docker engine of their own, which needs root: run as root");
  const missing = () => Object.entries(packageOf).flatMap(([name, its]) => (which(name, path) ? [] : [its]));
  const packages = [...new Set(missing())];
  if (packages.length === 0) return;
  // Where systemd runs, the packages would start a Docker engine and an sshd for good: the owner decides.
  if (!which("apt-get") || existsSync("/run/systemd/system"))
    throw new Error(
      `the conformance cases need ${packages.join(", ")}: sudo apt-get install ${packages.join(" ")}`,
    );
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args: string[]) =>
    must(`apt-get ${args.join(" ")}`, "apt-get", ["-qy", "-o", "DPkg::Lock::Timeout=600", ...args], { env });
  const install = async (...names: string[]) => {
    const args = ["install", "--no-install-recommends", ...names];
    await apt(...args).catch(async () => {
      await apt("update");
      await apt(...args);
    });
  };
  await install(...packages);
  // From Debian 13 on the client is a package of its own.
  if (!which("docker", path)) await install("docker-cli");
}
