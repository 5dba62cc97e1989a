import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Progress, RackError } from "./errors.ts";
import { withLock } from "./lock.ts";
import { cacheDir } from "./paths.ts";
import { run } from "./run.ts";

/** Commands (and files) that the rack needs, each with the Debian package that has it. */
const PACKAGE_OF = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-img": "qemu-utils",
  mmdebstrap: "mmdebstrap",
  mke2fs: "e2fsprogs",
  swtpm: "swtpm",
  "docker-registry": "docker-registry",
  skopeo: "skopeo",
  buildah: "buildah",
  "apt-ftparchive": "apt-utils",
  "dpkg-deb": "dpkg",
  gpg: "gnupg",
  openssl: "openssl",
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
} as const;

export type Tool = keyof typeof PACKAGE_OF;

/** The keys that Debian's archives are signed with. */
export const DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

const PATHS = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];

export function hasTool(tool: string): boolean {
  if (tool.startsWith("/")) return existsSync(tool);
  return PATHS.some((dir) => {
    try {
      accessSync(join(dir, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The Debian packages that are missing for these commands. */
export function missingPackages(tools: readonly Tool[]): string[] {
  return [...new Set(tools.filter((tool) => !hasTool(tool)).map((tool) => PACKAGE_OF[tool]))];
}

/** Makes sure that the commands are there: as root installs their packages, the list said first. */
export async function needTools(tools: readonly Tool[], tell: Progress): Promise<void> {
  const missing = missingPackages(tools);
  if (missing.length === 0) return;
  const install = `apt-get install ${missing.join(" ")}`;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get"))
    throw new RackError(
      `the virtual rack needs ${missing.join(", ")}, not installed here; run \`sudo ${install}\` and try again`,
    );
  await withLock(join(cacheDir(), "rack", "tools.lock"), tell, async () => {
    const still = missingPackages(tools);
    if (still.length === 0) return;
    tell(`installing what the virtual rack needs: ${still.join(" ")}`);
    const apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=600"] as const;
    const install = [...apt, "install", "-y", "--no-install-recommends", ...still] as const;
    await run(install).catch(async () => {
      await run([...apt, "update"]);
      await run(install);
    });
    // The rack runs its own registry; the package's would serve on every interface.
    if (still.includes(PACKAGE_OF["docker-registry"]) && existsSync("/run/systemd/system"))
      await run(["systemctl", "disable", "--now", "docker-registry"]);
  });
}
