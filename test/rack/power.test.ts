import { beforeAll, describe, expect, it } from "vitest";
import { racksmith } from "./support/cli.ts";
import { NODE, type Provisioned, provisioned } from "./support/provisioned.ts";
import { stackOf } from "./support/stack.ts";

let node: Provisioned;

beforeAll(async () => {
  node = await provisioned();
});

/** When units of this boot became active, in microseconds since its start; 0 for one that did not. */
async function started(...units: string[]): Promise<number[]> {
  const values = await node.shell(
    units.map((unit) => `systemctl show -P ActiveEnterTimestampMonotonic '${unit}'`).join("; "),
  );
  return values.trim().split("\n").map(Number);
}

const OPENED = "systemd-cryptsetup@racksmith\\x2dvault.service";
const MOUNT = "srv-racksmith-vault.mount";
const ENGINE = "racksmith-inference-main.service";

describe("power cut of the serving node, vault unlocked by its TPM", () => {
  it("the endpoint answers again, by itself", async () => {
    await node.powerCut();
    await node.serves(600);
    expect((await node.chat()).status).toBe(200);
  });

  it("the array came first, then the vault by tpm2, its mount, and the engine", async () => {
    const [opened = 0, mounted = 0, engine = 0] = await started(OPENED, MOUNT, ENGINE);
    expect(opened).toBeGreaterThan(0);
    expect(mounted).toBeGreaterThanOrEqual(opened);
    expect(engine).toBeGreaterThan(mounted);
    const [docker = 0] = await started("docker.service");
    expect(engine).toBeGreaterThan(docker);
    const journal = await node.shell(
      "sudo journalctl -b --no-pager -o short-monotonic -k -t kernel | grep -m1 'md/raid1:.*active'; " +
        `sudo journalctl -b --no-pager -o cat -u '${OPENED}'; sudo cat /etc/crypttab`,
    );
    expect(journal).toMatch(/^racksmith-vault\s.*tpm2-device=auto/m);
    const raid = Number(/^\[\s*([\d.]+)\]/m.exec(journal)?.[1]) * 1e6;
    expect(raid).toBeGreaterThan(0);
    expect(raid).toBeLessThan(opened);
  });

  it("nothing is left to do", async () => {
    // The engine answers while Docker may still be starting the others.
    await node.shell(
      'ours() { sudo docker ps -q --filter name=racksmith- "$@" | wc -l; }; until [ $(ours) = $(ours -a) ]; do sleep 1; done',
      180,
    );
    const { code, output } = await node.racksmith("preview", ["--expect-no-changes"]);
    expect(code, output).toBe(0);
  });
});

describe("policy operator", () => {
  it("takes the TPM's key slot away", async () => {
    node.edit("vault", { unlock: "operator" });
    const { code, output } = await node.racksmith("up");
    expect(code, output).toBe(0);
    expect(await node.shell("sudo cryptsetup luksDump /dev/md/racksmith")).not.toContain("systemd-tpm2");
    expect((await node.chat()).status).toBe(200);
  });

  it("after a power cut the boot ends without the vault, which stays closed", async () => {
    await node.shell("sync");
    await node.powerCut();
    const state = await node.shell("timeout 240 systemctl is-system-running --wait || true", 300);
    expect(state.trim()).toMatch(/^(running|degraded)$/);
    expect(await node.shell("ls /dev/mapper")).not.toContain("racksmith-vault");
    expect(await node.shell("findmnt /srv/racksmith/vault || echo closed")).toContain("closed");
  });

  it("racksmith unlock opens it, and the endpoint answers", async () => {
    const { name, configFile } = await stackOf(NODE);
    const { code, output } = await racksmith(["unlock", name, "--config-file", configFile]);
    expect(code, output).toBe(0);
    expect(await node.shell("sudo cryptsetup status racksmith-vault")).toMatch(/sm4-xts-plain64/);
    await node.serves(600);
    expect((await node.chat()).status).toBe(200);
  });

  it("nothing is left to do", async () => {
    const { code, output } = await node.racksmith("preview", ["--expect-no-changes"]);
    expect(code, output).toBe(0);
  });
});
