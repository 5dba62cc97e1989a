import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const scripts = fileURLToPath(new URL("../../ansible-free-scripts", import.meta.url));

/** A folder that observe scripts read instead of /: files of /sys and /proc, and commands that need hardware. */
export class FakeMachine {
  readonly root = mkdtempSync(join(tmpdir(), "racksmith-machine-"));

  file(path: string, text: string | Buffer): void {
    const target = join(this.root, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }

  /** A command that answers as recorded; only for commands that ask hardware. */
  command(name: string, body: string): void {
    this.file(`bin/${name}`, `#!/usr/bin/env bash\n${body}\n`);
    chmodSync(join(this.root, "bin", name), 0o755);
  }

  /** A sparse file of 8 MiB that `make` puts a real signature on. */
  image(name: string, make?: [command: string, ...args: string[]]): string {
    const path = join(this.root, name);
    execFileSync("truncate", ["-s", "8M", path]);
    if (make) execFileSync(make[0], [...make.slice(1), path], { stdio: "pipe" });
    return path;
  }

  run(
    script: string,
    lines: readonly string[] = [],
  ): { status: number | null; stdout: string; stderr: string } {
    return spawnSync("bash", [join(scripts, script)], {
      input: lines.map((line) => `${line}\n`).join(""),
      encoding: "utf8",
      env: { PATH: `${join(this.root, "bin")}:${process.env.PATH}`, RACKSMITH_FACTS_ROOT: this.root },
    });
  }
}

/** What every Linux has and host/observe.sh reads. */
export function plainMachine(): FakeMachine {
  const machine = new FakeMachine();
  machine.file("etc/os-release", 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nID=ubuntu\nVERSION_ID="22.04"\n');
  machine.file("proc/sys/kernel/osrelease", "5.15.0-157-generic\n");
  machine.file(
    "proc/cpuinfo",
    "processor\t: 0\nmodel name\t: AMD EPYC 9354\nprocessor\t: 1\nmodel name\t: AMD EPYC 9354\n",
  );
  machine.file("proc/meminfo", "MemTotal:       65671068 kB\nMemFree: 1 kB\n");
  machine.command("lsblk", "exit 0");
  machine.command("ss", "exit 0");
  return machine;
}
