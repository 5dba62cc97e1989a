import { accessSync, constants, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import type { Progress } from "./errors.ts";
import { cacheDir } from "./paths.ts";

export type Accelerator = "kvm" | "tcg";

/** A kernel under KVM reaches its end in a second or two; where KVM hangs it prints nothing at all. */
const PROBE_SECONDS = 12;

/** What a kernel without a root filesystem says last: it ran all the way through its start. */
const RAN_THROUGH = "Unable to mount root fs";

/**
 * KVM only if a guest really runs with it: on some virtual machines /dev/kvm opens and guests then hang.
 * Probed once per start of the workstation; `$RACKSMITH_RACK_ACCEL` (kvm or tcg) overrides.
 */
export async function accelerator(kernel: string, tell: Progress): Promise<Accelerator> {
  const wanted = process.env.RACKSMITH_RACK_ACCEL;
  if (wanted === "kvm" || wanted === "tcg") return wanted;
  if (!usableDevice()) return "tcg";
  const answerFile = join(cacheDir(), "rack", "accelerator");
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const known = answerOf(answerFile, boot);
  if (known !== undefined) return known;
  tell(`probing whether guests run under KVM here (at most ${PROBE_SECONDS} s)`);
  const found = (await guestRuns(kernel)) ? "kvm" : "tcg";
  tell(
    found === "kvm"
      ? "KVM works: nodes run at full speed"
      : "KVM does not run guests here: nodes are emulated",
  );
  mkdirSync(dirname(answerFile), { recursive: true });
  writeFileSync(answerFile, `${boot} ${found}\n`);
  return found;
}

function usableDevice(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function answerOf(file: string, boot: string): Accelerator | undefined {
  try {
    const [at, found] = readFileSync(file, "utf8").trim().split(" ");
    if (at === boot && (found === "kvm" || found === "tcg")) return found;
  } catch {
    rmSync(file, { force: true });
  }
  return undefined;
}

async function guestRuns(kernel: string): Promise<boolean> {
  const argv = [
    "-accel",
    "kvm",
    "-cpu",
    "host",
    "-m",
    "512",
    "-nodefaults",
    "-display",
    "none",
    "-no-reboot",
  ];
  const guest = ["-kernel", kernel, "-append", "console=ttyS0 panic=-1", "-serial", "stdio"];
  const { stdout } = await execa("qemu-system-x86_64", [...argv, ...guest], {
    timeout: PROBE_SECONDS * 1000,
    killSignal: "SIGKILL",
    reject: false,
    stdin: "ignore",
  });
  return stdout.includes(RAN_THROUGH);
}
