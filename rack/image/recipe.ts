/** What decides a base image's content. Its hash is the image's key in the cache. */
export interface ImageRecipe {
  suite: string;
  /** Beyond Debian's essential packages and apt. */
  packages: readonly string[];
  /** Files put in, by absolute path. */
  files: Readonly<Record<string, ImageFile>>;
  /** Run in the image by `sh -ec` at the end. */
  finish: string;
  /** Size of the root filesystem in GiB; sparse. */
  rootSizeGiB: number;
}

export interface ImageFile {
  mode: string;
  text: string;
}

/** Where QEMU's user network puts the workstation, as the node sees it. */
export const WORKSTATION_ADDRESS = "10.0.2.2";

/**
 * A Debian 13 server as the installer leaves it with sshd and its standard utilities: none of what racksmith
 * brings (Docker, mdadm, cryptsetup, curl, …) is in it.
 */
export const TRIXIE: ImageRecipe = {
  suite: "trixie",
  packages: [
    "systemd-sysv",
    "libpam-systemd",
    "dbus",
    "udev",
    "kmod",
    "linux-image-amd64",
    "initramfs-tools",
    "openssh-server",
    "sudo",
    "iproute2",
    "procps",
    "ca-certificates",
    "systemd-timesyncd",
    "python3",
  ],
  files: {
    "/etc/fstab": { mode: "0644", text: "LABEL=root / ext4 errors=remount-ro 0 1\n" },
    // No gateway and no DNS: what works here works in an air gap. Only the workstation is reachable.
    "/etc/systemd/network/20-rack.network": {
      mode: "0644",
      text: "[Match]\nName=en* eth*\n\n[Network]\nAddress=10.0.2.15/24\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n",
    },
    // VERBOSE counts sessions in the journal, which the tests of "one connection a phase" read.
    "/etc/ssh/sshd_config.d/rack.conf": {
      mode: "0644",
      text: "PermitRootLogin no\nPasswordAuthentication no\nUseDNS no\nLogLevel VERBOSE\nAuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.rack\n",
    },
    "/etc/sudoers.d/ops": { mode: "0440", text: "ops ALL=(ALL) NOPASSWD: ALL\n" },
    // The description of the simulated GPUs comes through QEMU's fw_cfg.
    "/etc/modules-load.d/rack.conf": { mode: "0644", text: "qemu_fw_cfg\n" },
    // Kernel and initrd are booted from outside, so rebuilding the inner one would only cost minutes.
    "/etc/initramfs-tools/update-initramfs.conf": { mode: "0644", text: "update_initramfs=no\n" },
    // Power is cut without notice here; the journal is evidence afterwards.
    "/etc/systemd/journald.conf.d/10-rack.conf": {
      mode: "0644",
      text: "[Journal]\nStorage=persistent\nSystemMaxUse=64M\n",
    },
  },
  finish: `
useradd --create-home --shell /bin/bash --comment "Operations" ops
systemctl enable systemd-networkd.service ssh.service serial-getty@ttyS0.service
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /etc/hosts /etc/resolv.conf
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
: >/etc/machine-id
printf 'rack\\n' >/etc/hostname
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt
`,
  rootSizeGiB: 12,
};
