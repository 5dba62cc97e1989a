// Faults while a bare server becomes a node: array, volume and weights, each by a provider of its own over real SSH.
// One machine's life, told in order.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NodeConfig } from "../../config/index.ts";
import { resetNode } from "../../rack/index.ts";
import type { TestNode } from "../../rack/testing.ts";
import { BARE, bareNode } from "./support/bare.ts";
import { ensureNoun, inputsOf, type NounRun, nodeConfig, refusedNoun, startNoun } from "./support/nouns.ts";
import {
  arrayUuid,
  asRoot,
  closeVault,
  cutConnections,
  luksHeader,
  saidSinceBoot,
  sha256,
  writeModel,
} from "./support/storage.ts";

const MINUTES = 60_000;
const MODEL_MIB = 32;
let node: TestNode;
let config: NodeConfig;
let inputs: ReturnType<typeof inputsOf>;
let vault: Record<string, unknown>;
let folder: string;

beforeAll(async () => {
  node = await bareNode();
  config = nodeConfig(BARE);
  inputs = inputsOf(config);
  // So that a reboot leaves it closed, and the key is asked for.
  vault = { ...inputs.vault, unlock: "operator" };
  folder = mkdtempSync(join(tmpdir(), "racksmith-model-"));
}, 15 * MINUTES);

afterAll(async () => {
  if (folder) rmSync(folder, { recursive: true, force: true });
  await resetNode(BARE, () => undefined);
}, 2 * MINUTES);

const start = (noun: string, wanted: Record<string, unknown>) => startNoun(noun, wanted, config.connection);
const ensure = (noun: string, wanted: Record<string, unknown>) => ensureNoun(noun, wanted, config.connection);
const refused = (noun: string, wanted: Record<string, unknown>) =>
  refusedNoun(noun, wanted, config.connection);

async function killed({ child, ended }: NounRun): Promise<void> {
  child.kill("SIGKILL");
  await ended;
}

async function finishes({ ended }: NounRun): Promise<string> {
  const { code, output } = await ended;
  expect(code, output).toBe(0);
  return output;
}

describe("raid", { timeout: 10 * MINUTES }, () => {
  it("kill -9 of the provider while the array is created: the next up waits for it and creates nothing twice", async () => {
    const run = start("raid", inputs.raid);
    await run.says(/creating RAID 1/);
    await killed(run);
    await ensure("raid", inputs.raid);
    const uuid = await arrayUuid(node);
    expect(uuid).toMatch(/^[0-9a-f]{8}:/);
    expect(await saidSinceBoot(node, "raid", "creating RAID 1")).toBe(1);
    await ensure("raid", inputs.raid);
    expect(await arrayUuid(node)).toBe(uuid);
  });

  it("power cut while the array is created: the same up goes on after the boot and finishes", async () => {
    await asRoot(
      node,
      "mdadm --quiet --stop /dev/md/racksmith; mdadm --zero-superblock /dev/nvme?n1 2>/dev/null; rm -rf /var/lib/racksmith/raid; wipefs -qa /dev/nvme?n1",
    );
    const run = start("raid", inputs.raid);
    await run.says(/creating RAID 1/);
    await node.powerCut();
    await finishes(run);
    expect(await asRoot(node, "cat /sys/block/md*/md/raid_disks; ls /var/lib/racksmith/raid")).toBe("2");
  });
});

describe("vault", { timeout: 10 * MINUTES }, () => {
  let array: string;

  it("power cut during the array's resync and luksFormat, then the cable, then a power cut during mkfs", async () => {
    array = await arrayUuid(node);
    const run = start("vault", vault);
    await run.says(/encrypting/);
    await node.powerCut();
    await run.says(/encrypting[\s\S]*encrypting/);
    await cutConnections(node);
    await run.says(/connection cut during vault apply; reconnecting/);
    await run.says(/making the filesystem/);
    expect(await saidSinceBoot(node, "vault", "encrypting")).toBe(1);
    await node.powerCut();
    await finishes(run);
    expect(await arrayUuid(node)).toBe(array);
    expect(
      await asRoot(node, "cryptsetup status racksmith-vault; findmnt -no SOURCE,FSTYPE /srv/racksmith/vault"),
    ).toMatch(/sm4-xts-plain64[\s\S]*\/dev\/mapper\/racksmith-vault +xfs$/);
    expect(await asRoot(node, "ls /var/lib/racksmith/vault")).toBe("");
  });

  it("wrong vault key: refused, and not a byte of the header is other", async () => {
    await closeVault(node);
    const before = await luksHeader(node);
    const said = await refused("vault", { ...vault, key: "not the key of this vault" });
    expect(said).toMatch(
      new RegExp(`${BARE}: vault apply: [\\s\\S]*the key given does not open volume ${before.slice(0, 36)}`),
    );
    expect(said).toContain("Give the key that it was made with (racksmith:vault key)");
    expect(said).not.toContain("not the key of this vault");
    expect(await luksHeader(node)).toBe(before);
    expect(await asRoot(node, "ls /dev/mapper")).not.toContain("racksmith-vault");
  });

  it("kill -9 of the provider while the vault is opened: the next up finishes, the volume is the same", async () => {
    const before = await luksHeader(node);
    const run = start("vault", vault);
    await run.says(/opening the vault/);
    await killed(run);
    await ensure("vault", vault);
    expect((await luksHeader(node)).slice(0, 36)).toBe(before.slice(0, 36));
    expect(await saidSinceBoot(node, "vault", "encrypting")).toBeLessThanOrEqual(1);
  });
});

describe("weights", { timeout: 10 * MINUTES }, () => {
  let names: string[];
  const current = "/srv/racksmith/vault/weights/current";

  it("kill -9 of the provider during the upload: the next up sends only the rest", async () => {
    names = writeModel(folder, MODEL_MIB);
    const wanted = await inputs.weights(folder, "v1");
    const run = start("weights", wanted);
    // Far enough that something has arrived; said about once a second, at whatever rate.
    await run.says(/ ([5-9]|[12]\d)\.\d of 32\.0 MiB/);
    await killed(run);
    const largest = "stat -c '%s %i' /srv/racksmith/vault/incoming/weights-* | sort -n | tail -n 1";
    const [size, inode] = (await asRoot(node, largest)).split(" ");
    expect(Number(size)).toBeGreaterThan(100);
    const next = start("weights", wanted);
    await next.says(/verifying 3 files/);
    expect(await asRoot(node, `find /srv/racksmith/vault -inum ${inode} -size +31M`)).not.toBe("");
    await finishes(next);
  });

  it("names are data: nothing in them was run, and every byte is there", async () => {
    await ensure("weights", await inputs.weights(folder, "v1"));
    for (const name of names) {
      const quoted = Buffer.from(`${current}/${name}`).toString("base64");
      const hash = await asRoot(node, `sha256sum <"$(printf %s ${quoted} | base64 -d)"`);
      expect(hash.slice(0, 64)).toBe(sha256(readFileSync(join(folder, name))));
    }
    expect(await asRoot(node, "find / -xdev -name owned; find /srv -name owned")).toBe("");
  });

  it("power cut while a version becomes current: the next up finishes, the old one is whole until then", async () => {
    writeModel(folder, MODEL_MIB);
    const wanted = await inputs.weights(folder, "v2");
    const run = start("weights", wanted);
    await run.says(/verifying 3 files/);
    await node.powerCut();
    const { code, output } = await run.ended;
    // The vault stays closed until somebody brings its key: that is said.
    if (code !== 0) expect(output).toMatch(/the vault is not open/);
    await ensure("raid", inputs.raid);
    await ensure("vault", vault);
    expect(
      await asRoot(node, `readlink ${current}; cd ${current} && sha256sum --quiet -c SHA256SUMS`),
    ).toMatch(/^versions\/racksmith-tiny-v[12]$/);
    await ensure("weights", wanted);
    expect(await asRoot(node, `readlink ${current}; cd ${current} && sha256sum --quiet -c SHA256SUMS`)).toBe(
      "versions/racksmith-tiny-v2",
    );
  });

  it("full vault: said before the first byte, or where it stopped; the old version stays; after freeing it works", async () => {
    const left = "$(df --output=avail -B1 . | tail -n 1)";
    const filled = (keepMiB: number) =>
      asRoot(node, `cd /srv/racksmith/vault && fallocate -l $((${left} - ${keepMiB} * 1048576)) filler`);
    const free = () => asRoot(node, "systemctl stop fill 2>/dev/null; rm -f /srv/racksmith/vault/filler*");
    writeModel(folder, MODEL_MIB);
    const wanted = await inputs.weights(folder, "v3");
    await filled(40);
    const early = await refused("weights", wanted);
    expect(early).toMatch(/\d+ MiB free on the vault, wanted 33 MiB for the model and 64 MiB that stay free/);
    await free();
    await asRoot(
      node,
      "systemd-run --quiet --collect --unit=fill --working-directory=/srv/racksmith/vault sh -c 'until find incoming -size +2M | grep -q .; do sleep 0.1; done; " +
        "fallocate -l $(($(df --output=avail -B1 . | tail -n 1) - 8388608)) filler; dd if=/dev/zero of=filler2 bs=64k'",
    );
    const run = start("weights", wanted);
    const { code, output } = await run.ended;
    expect(code, output).not.toBe(0);
    expect(output).toMatch(/cannot write it \(is the disk full\?\); what has arrived stays/);
    expect(await asRoot(node, `readlink ${current}; cd ${current} && sha256sum --quiet -c SHA256SUMS`)).toBe(
      "versions/racksmith-tiny-v2",
    );
    await free();
    await ensure("weights", wanted);
    expect(await asRoot(node, `readlink ${current}`)).toBe("versions/racksmith-tiny-v3");
  });
});
