// Refused before anything is touched: each message names the host, what was found, what was wanted and what to do.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { stackFile, stackName } from "../../rack/stack.ts";
import type { TestNode } from "../../rack/testing.ts";
import { makeKey } from "../support/ssh-server.ts";
import { BARE, bareNode, everythingOn } from "./support/bare.ts";
import { racksmith } from "./support/cli.ts";
import { inputsOf, nodeConfig, refusedNoun } from "./support/nouns.ts";

const MINUTES = 60_000;
let node: TestNode;
let before: string;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-refusals-"));
  node = await bareNode();
  // What the tests themselves bring: a user without sudo, another system's name, and a squatter on the endpoint's port.
  await node.shell(
    "sudo sh -c 'useradd -m -s /bin/bash nosudo; install -D -o nosudo -m 600 /home/ops/.ssh/authorized_keys /home/nosudo/.ssh/authorized_keys; chown nosudo /home/nosudo/.ssh'",
  );
  await node.shell(
    "printf 'ID=fedora\\nVERSION_ID=44\\nPRETTY_NAME=\"Fedora Linux 44\"\\n' >/tmp/os; sudo mount --bind /tmp/os /etc/os-release",
  );
  await node.shell("sudo systemd-run --quiet --unit=squatter --socket-property=ListenStream=8000 /bin/true");
  before = await everythingOn(node);
}, 15 * MINUTES);

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await node?.shell(
    "sudo sh -c 'umount /etc/os-release; systemctl stop squatter.socket; userdel -rf nosudo; rm -f /tmp/os' 2>/dev/null; true",
  );
}, 2 * MINUTES);

/** A preview of the node's stack with some sections changed. */
async function preview(changes: Record<string, unknown>) {
  const whole = parse(readFileSync(stackFile(BARE), "utf8")) as { config: Record<string, unknown> };
  for (const [section, value] of Object.entries(changes)) {
    const had = whole.config[`racksmith:${section}`];
    whole.config[`racksmith:${section}`] = Array.isArray(value)
      ? value
      : { ...(had as object), ...(value as object) };
  }
  const file = join(folder, "config.yaml");
  writeFileSync(file, stringify(whole), { mode: 0o600 });
  return racksmith(["preview", stackName(BARE), "--config-file", file], { timeoutSeconds: 240 });
}

const host = () => nodeConfig(BARE).connection;
const raid = () => inputsOf(nodeConfig(BARE)).raid;

describe("refused before anything is touched", { timeout: 5 * MINUTES }, () => {
  it("disk missing, disk carrying data, disk too small, port in use, wrong system: all in one preview", async () => {
    const { code, output } = await preview({
      raid: { members: ["RACKNVME0001", "RACKDATA0001", "RACKNVME0009"] },
      host: { diskGB: 1000, memoryGiB: 64 },
    });
    expect(code, output).not.toBe(0);
    const said = output.replace(/\s+/g, " ");
    expect(said).toMatch(new RegExp(`${BARE}: host: refused for \\d+ reasons, nothing was touched`));
    expect(said).toMatch(
      /disks\.RACKNVME0009: found only .*RACKNVME0001.*, wanted a disk with serial RACKNVME0009/,
    );
    expect(said).toMatch(
      /disks\.RACKDATA0001: found \/dev\/vd\w carries ext4 "ledger" .*, wanted an empty disk/,
    );
    expect(said).toMatch(
      /its contents would be lost: take them elsewhere, then name RACKDATA0001 in raid\.wipe/,
    );
    expect(said).toMatch(/disks\.RACKNVME0001: found \/dev\/nvme\dn1 has 3\.2 GB, wanted at least 1000 GB/);
    expect(said).toMatch(/memoryGiB: found 3\.\d GiB, wanted at least 64 GiB/);
    expect(said).toMatch(/ports\.8000: found .* listens on .*:8000.*, wanted a free port/);
    expect(said).toMatch(/os: found fedora44 \(Fedora Linux 44\), wanted debian12, debian13/);
  });

  it("a host without a pinned key: nothing connects, and the config says how to pin one", async () => {
    const [host] = (
      parse(readFileSync(stackFile(BARE), "utf8")) as { config: { "racksmith:hosts": object[] } }
    ).config["racksmith:hosts"];
    const { code, output } = await preview({ hosts: [{ ...host, hostKeys: [] }] });
    expect(code).not.toBe(0);
    expect(output).toMatch(/hosts\/0\/hostKeys.*needs at least one pinned host key.*racksmith trust/s);
  });

  it("a changed host key: both fingerprints, and the way out", async () => {
    const said = await refusedNoun("raid", raid(), { ...host(), hostKeys: [makeKey().public] });
    expect(said).toMatch(/the host key is not the pinned one; nothing was sent/);
    expect(said).toMatch(/expected ssh-ed25519 SHA256:\S{43}\n.*found {4}ssh-ed25519 SHA256:\S{43}/);
    expect(said).toMatch(/racksmith trust 127\.0\.0\.1 --port \d+ --stack STACK/);
  });

  it("a wrong user: what was tried, and where the key has to be", async () => {
    const said = await refusedNoun("raid", raid(), { ...host(), user: "stranger" });
    expect(said).toMatch(/logging in to 127\.0\.0\.1:\d+ as stranger: none of these was accepted/);
    expect(said).toContain("~stranger/.ssh/authorized_keys");
  });

  it("a user without sudo: what to write where", async () => {
    const said = await refusedNoun("raid", raid(), { ...host(), user: "nosudo" });
    expect(said).toMatch(/sudo asks nosudo for a password|nosudo may not use sudo/);
  });

  it("a disk that carries data, met by the array itself: refused as well", async () => {
    const said = await refusedNoun("raid", { ...raid(), members: ["RACKNVME0001", "RACKDATA0001"] }, host());
    expect(said).toMatch(
      /members\.RACKDATA0001: found \/dev\/vd\w, 0\.3 GiB, carries ext4 \S+, wanted a blank disk/,
    );
    expect(said).toContain("put its serial into wipe: [RACKDATA0001]");
  });

  it("the node is what it was: disks, packages, accounts, mounts, and the ledger", async () => {
    expect(await everythingOn(node)).toBe(before);
    const mounted =
      "sudo mount -o ro /dev/disk/by-label/ledger /mnt && sudo cat /mnt/ledger.txt; sudo umount /mnt";
    expect(await node.shell(mounted)).toContain("Somebody's data");
  });
});
