/**
 * What racksmith installs on a bare node, as sets that can be installed together. The repository holds each
 * set's closure against the base image. Two time daemons exclude each other, hence more than one set.
 */
export const PACKAGE_SETS: readonly (readonly string[])[] = [
  [
    // docker
    ...["docker.io", "docker-cli", "apparmor", "nftables"],
    // raid and vault; systemd loads the TSS libraries when it is asked for a TPM
    ...["mdadm", "cryptsetup", "cryptsetup-bin", "systemd-cryptsetup", "tpm2-tools", "xfsprogs"],
    ...["libtss2-esys-3.0.2-0t64", "libtss2-mu-4.0.1-0t64", "libtss2-rc0t64", "libtss2-tcti-device0t64"],
    ...["parted", "gdisk", "nvme-cli", "smartmontools"],
    // inference gateway, weights from a URL
    ...["haproxy", "curl", "zstd"],
    // baseline, host, access
    ...["systemd-zram-generator", "unattended-upgrades", "logrotate", "pciutils", "ethtool", "dmidecode"],
    ...["numactl", "acl", "auditd", "ipmitool", "openssl"],
  ],
  ["chrony"],
  ["systemd-timesyncd"],
];
