import type { Accelerator } from "../accel.ts";
import type { DiskSpec, NodeSpec } from "../nodes/types.ts";
import type { NodeFiles, PortMap } from "./files.ts";

/** All that a start of QEMU depends on. */
export interface QemuPlan {
  spec: NodeSpec;
  files: NodeFiles;
  ports: PortMap;
  accelerator: Accelerator;
  kernel: string;
  initrd: string;
  /** Files handed to the guest through fw_cfg, by name. */
  firmwareFiles: Readonly<Record<string, string>>;
}

export const SYSTEM_DISK = "system";

/**
 * The command line of a node.
 *
 * Disks use `cache=writeback`: what the guest has flushed is on the host and in qcow2's tables; what it has
 * not may be lost when QEMU is killed, as in a real disk's cache when the power goes. `unsafe` would be
 * faster but drops flushed data too (qcow2 tables are then never written out), and `writethrough` would
 * hide missing flushes.
 */
export function qemuArgv(plan: QemuPlan): [string, ...string[]] {
  const { spec, files } = plan;
  return [
    "qemu-system-x86_64",
    ...["-name", escaped(spec.name), "-nodefaults", "-no-user-config", "-display", "none"],
    ...["-machine", "q35", "-m", `${spec.memoryMiB}`, "-smp", `${spec.vcpus}`, "-rtc", "base=utc"],
    ...(plan.accelerator === "kvm"
      ? ["-accel", "kvm", "-cpu", "host"]
      : ["-accel", "tcg,thread=multi", "-cpu", "max"]),
    ...["-kernel", plan.kernel, "-initrd", plan.initrd, "-append", kernelArguments(spec)],
    ...disk({ serial: "RACKSYSTEM", bus: "virtio" }, files.disk(SYSTEM_DISK), SYSTEM_DISK),
    ...spec.disks.flatMap((data) => disk(data, files.disk(data.serial), data.serial)),
    ...["-netdev", `user,id=net${forwards(plan)}`, "-device", "virtio-net-pci,netdev=net,romfile="],
    ...["-device", "virtio-rng-pci"],
    ...["-chardev", `socket,id=tpm,path=${escaped(files.tpmSocket)}`],
    ...["-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm"],
    ...["-chardev", `file,id=console,append=on,path=${escaped(files.console)}`, "-serial", "chardev:console"],
    ...["-qmp", `unix:${escaped(files.qmpSocket)},server=on,wait=off`],
    ...Object.entries(plan.firmwareFiles).flatMap(([name, file]) => [
      "-fw_cfg",
      `name=${escaped(name)},file=${escaped(file)}`,
    ]),
  ];
}

/** `mitigations=off`: on an emulated CPU they cost a fifth of the time and protect nothing. */
function kernelArguments(spec: NodeSpec): string {
  return `root=LABEL=root ro console=ttyS0 panic=30 mitigations=off systemd.hostname=${spec.name.replaceAll(".", "-")}`;
}

function disk({ serial, bus }: Pick<DiskSpec, "serial" | "bus">, file: string, id: string): string[] {
  const device = bus === "nvme" ? "nvme" : "virtio-blk-pci";
  return [
    "-drive",
    `if=none,id=${id},format=qcow2,cache=writeback,discard=unmap,detect-zeroes=unmap,file=${escaped(file)}`,
    "-device",
    `${device},drive=${id},serial=${serial}`,
  ];
}

function forwards({ spec, ports }: QemuPlan): string {
  return spec.ports.map(({ name, guest }) => `,hostfwd=tcp:127.0.0.1:${ports[name]}-:${guest}`).join("");
}

/** In QEMU's option syntax a comma ends a value and a doubled one is a comma. */
function escaped(text: string): string {
  return text.replaceAll(",", ",,");
}
