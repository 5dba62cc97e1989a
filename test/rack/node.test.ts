import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resetNode } from "../../rack/index.ts";
import { type TestNode, testNode } from "../../rack/testing.ts";

/** Of its own, so that a node in use stays as it is. */
const NAME = "entry-4090.node-test";
const MINUTES = 60_000;
const quiet = () => undefined;

let node: TestNode;

beforeAll(async () => {
  await resetNode(NAME, quiet);
  node = await testNode(NAME);
}, 20 * MINUTES);

afterAll(() => resetNode(NAME, quiet), 2 * MINUTES);

describe("a node of the virtual rack", { timeout: 10 * MINUTES }, () => {
  it("is a bare Debian server: nothing that racksmith brings is there", async () => {
    const found = await node.shell(
      "cat /etc/debian_version; command -v docker mdadm cryptsetup curl haproxy nvme nvidia-smi || true",
    );
    expect(found.trim()).toMatch(/^13\.\d+$/);
  });

  it("lets its user become root without a password, and nobody log in as root", async () => {
    expect(await node.shell("sudo -n id -u")).toBe("0");
    expect(await node.shell("sudo sshd -T | grep -E '^(permitrootlogin|passwordauthentication) '")).toBe(
      "permitrootlogin no\npasswordauthentication no",
    );
  });

  it("shows its disks by serial, one of them carrying data", async () => {
    const disks = await node.shell("lsblk -dnro SERIAL,SIZE,FSTYPE | sort");
    for (const serial of ["RACKNVME0001", "RACKNVME0002", "RACKNVME0003"])
      expect(disks).toContain(`${serial} 3G`);
    expect(disks).toMatch(/RACKDATA0001 256M ext4/);
  });

  it("knows its simulated GPU", async () => {
    const text = await node.shell("sudo cat /sys/firmware/qemu_fw_cfg/by_name/opt/racksmith/gpus/raw");
    expect(JSON.parse(text)).toMatchObject({ simulated: true, gpus: [{ name: "NVIDIA GeForce RTX 4090" }] });
  });

  it("has no way out but to the workstation", async () => {
    expect(await node.shell("ip -4 route")).not.toMatch(/default/);
  });

  it("takes packages from the rack's repository, and only because its signature is right", async () => {
    await node.shell("sudo apt-get update -qq && apt-cache show docker.io mdadm cryptsetup >/dev/null");
    const forged = "sudo sed -i s/site.asc/other.asc/ /etc/apt/sources.list.d/site.sources";
    const update = "sudo apt-get update 2>&1 || true";
    const output = await node.shell(
      `sudo cp /usr/share/keyrings/debian-archive-keyring.gpg /etc/apt/keyrings/other.asc; ${forged}; ${update}`,
    );
    await node.shell(
      "sudo sed -i s/other.asc/site.asc/ /etc/apt/sources.list.d/site.sources; sudo apt-get update -qq",
    );
    expect(output).toMatch(/not signed|NO_PUBKEY|Missing key/i);
  });

  it("keeps what was flushed and what its TPM sealed over a power cut", async () => {
    await node.shell(
      "sudo apt-get install -qy --no-install-recommends libtss2-esys-3.0.2-0t64 libtss2-mu-4.0.1-0t64 libtss2-rc0t64 libtss2-tcti-device0t64 >/dev/null 2>&1",
      600,
    );
    await node.shell("printf sealed | sudo systemd-creds encrypt --with-key=tpm2 --name=it - /root/it.cred");
    await node.shell("echo flushed | sudo tee /root/flushed >/dev/null; sync");
    await node.shell("head -c 4M /dev/zero | sudo tee /root/unflushed >/dev/null");
    const bootBefore = await node.shell("cat /proc/sys/kernel/random/boot_id");
    await node.powerCut();
    expect(await node.shell("cat /proc/sys/kernel/random/boot_id")).not.toBe(bootBefore);
    expect(await node.shell("sudo cat /root/flushed")).toBe("flushed");
    expect(await node.shell("sudo systemd-creds decrypt --name=it /root/it.cred -")).toBe("sealed");
    expect(await node.shell("sudo stat -c %s /root/unflushed 2>/dev/null || echo gone")).not.toBe("4194304");
  });
});
