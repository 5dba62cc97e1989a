import type { PackageOf } from "../../rack/packages.ts";
import { CliError } from "../errors.ts";
import { note } from "../progress.ts";
import type { Level } from "./levels.ts";

/** Commands that the tests of a level run, each with the Debian package that has it. */
export const packageOf: Readonly<Record<Level, PackageOf>> = {
  lint: { shellcheck: "shellcheck", shfmt: "shfmt" },
  unit: {
    amtool: "prometheus-alertmanager",
    curl: "curl",
    "dpkg-deb": "dpkg",
    haproxy: "haproxy",
    mke2fs: "e2fsprogs",
    promtool: "prometheus",
    "qemu-img": "qemu-utils",
    "qemu-io": "qemu-utils",
    "ssh-keygen": "openssh-client",
    unshare: "util-linux",
    visudo: "sudo",
  },
  engine: {},
  conformance: {
    busybox: "busybox-static",
    "docker-registry": "docker-registry",
    dockerd: "docker.io",
    "ssh-add": "openssh-client",
    "ssh-agent": "openssh-client",
    "ssh-keygen": "openssh-client",
    sshd: "openssh-server",
    unshare: "util-linux",
  },
  rack: {},
};

/** Installs what the level's tests run and this machine lacks; the rack brings what it needs by itself. */
export async function bringNeeds(level: Level): Promise<void> {
  if (level === "conformance" && process.getuid?.() !== 0)
    throw new CliError(
      "test conformance: runs a Docker engine of its own, which only root may: run it as root",
    );
  // Like the rest of the rack, only when it is wanted.
  const { needPackages } = await import("../../rack/packages.ts");
  await needPackages(`test ${level}`, packageOf[level], note);
}
