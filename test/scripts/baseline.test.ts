import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { baselineFacts } from "../../provider/resources/baseline.ts";
import { FakeMachine } from "./host-machine.ts";

describe("baseline/observe.sh, on this machine", () => {
  const run = (...lines: string[]) => {
    const machine = new FakeMachine();
    const { status, stdout, stderr } = machine.run("baseline/observe.sh", lines);
    expect(status, stderr).toBe(0);
    return baselineFacts.parse(JSON.parse(stdout));
  };

  it("reads what is in force", () => {
    const { sysctl } = run("sysctl_key=vm.swappiness", "sysctl_key=kernel.ostype");
    expect(sysctl).toEqual({
      "vm.swappiness": readFileSync("/proc/sys/vm/swappiness", "utf8").trim(),
      "kernel.ostype": "Linux",
    });
  });

  it("never leaves /proc/sys, whatever it is asked", () => {
    const { sysctl } = run(
      "sysctl_key=../../etc/passwd",
      "sysctl_key=a....etc",
      "sysctl_key=$(id)",
      "sysctl_key=kernel/ostype",
    );
    expect(sysctl).toEqual({});
  });

  it("sees a file's text and mode, and that one is absent", () => {
    const { files } = run("file_path=/etc/passwd", "file_path=/no/such $(file)");
    expect(files).toMatchObject([
      { path: "/etc/passwd", mode: "644" },
      { path: "/no/such $(file)", sha256: "", mode: "" },
    ]);
    expect(files[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("the ports that the firewall leaves open", () => {
  const state = new URL("../../ansible-free-scripts/baseline/state.sh", import.meta.url).pathname;

  it("are every one that sshd listens on, that somebody is logged in by, and that its configuration names, but no forwarding (-X, -R)", () => {
    const machine = new FakeMachine();
    machine.command(
      "ss",
      `case "$*" in
*established*) echo '0 0 10.0.0.2:2022 10.0.0.9:50000 users:(("sshd-session",pid=9,fd=4))'
  echo '0 0 127.0.0.1:6011 127.0.0.1:50002 users:(("sshd-session",pid=9,fd=5))'
  echo '0 0 10.0.0.2:8000 10.0.0.9:50001 users:(("haproxy",pid=8,fd=4))' ;;
*) echo 'LISTEN 0 128 0.0.0.0:2222 0.0.0.0:* users:(("sshd",pid=5,fd=6))'
  echo 'LISTEN 0 128 [::]:2223 [::]:* users:(("sshd",pid=5,fd=7))'
  echo 'LISTEN 0 128 *:2224 *:* users:(("sshd",pid=5,fd=8))'
  echo 'LISTEN 0 128 127.0.0.1:6010 0.0.0.0:* users:(("sshd-session",pid=9,fd=6))'
  echo 'LISTEN 0 128 [::1]:6010 [::]:* users:(("sshd-session",pid=9,fd=7))'
  echo 'LISTEN 0 128 127.0.0.53%lo:6012 0.0.0.0:* users:(("sshd",pid=9,fd=7))'
  echo 'LISTEN 0 128 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=6,fd=6))' ;;
esac`,
    );
    machine.command("sshd", "echo port 22; echo addressfamily any; echo port 2200");
    machine.command("systemctl", "echo '0.0.0.0:2322 (Stream)'");
    const { stdout, stderr } = spawnSync(
      "bash",
      ["-euo", "pipefail", "-c", '. "$0"; ssh_ports | sort -nu', state],
      {
        encoding: "utf8",
        env: { PATH: `${machine.root}/bin:${process.env.PATH}` },
      },
    );
    expect(stdout.trim().split("\n"), stderr).toEqual(["22", "2022", "2200", "2222", "2223", "2224", "2322"]);
  });
});
