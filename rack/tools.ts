import type { Progress } from "./errors.ts";
import { needPackages } from "./packages.ts";

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

/** Makes sure that these commands are there: see `needPackages`. */
export async function needTools(tools: readonly Tool[], tell: Progress): Promise<void> {
  const wanted = Object.fromEntries(tools.map((tool) => [tool, PACKAGE_OF[tool]]));
  await needPackages("the virtual rack", wanted, tell);
}
