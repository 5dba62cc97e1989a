import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { access } from "../../provider/resources/access.ts";
import { inRoom, lastJson, rooms, type Said } from "./node-room.ts";

const sudo = spawnSync("visudo", ["-V"]).status === 0;
const key = `ssh-ed25519 ${"A".repeat(68)} person@desk`;
const parse = (given: Partial<z.input<typeof access.inputs>> = {}) =>
  access.inputs.parse({
    connectionUser: "root",
    engineUnits: ["racksmith-inference-main.service"],
    members: [
      { user: "rsadmin", role: "administrator" },
      { user: "rswang", role: "auditor", sshKeys: [key] },
      { user: "rsli", role: "engineer" },
    ],
    vaultPath: "/srv/racksmith/vault",
    ...given,
  });
const facts = (said: Said) => access.facts.parse(lastJson(said));
const bare = access.facts.parse({
  groups: {},
  users: [],
  keys: [],
  sudoersSha256: "",
  sudoersMode: "missing",
  sudoInstalled: true,
  directories: {},
});
const ins = (wanted = parse()) => ({ act: access.forAct(wanted, bare), look: access.forObserve(wanted) });
// sudo grants only what exists, and a container may have no systemctl.
const systemctl =
  "[[ -x /usr/bin/systemctl ]] || { mkdir /mnt/bin /mnt/work; mount -t overlay overlay -o lowerdir=/usr/bin,upperdir=/mnt/bin,workdir=/mnt/work /usr/bin; install -m 755 /dev/null /usr/bin/systemctl; }; ";
const vault = "mkdir -p /srv/racksmith/vault; mount -t tmpfs none /srv/racksmith/vault; ";

describe.skipIf(!rooms || !sudo)("access on a node", () => {
  it("makes groups, accounts without a password, keys, rules and modes; twice is once", () => {
    const said = inRoom(
      `${vault} run access/apply act; run access/apply act; getent shadow rswang; stat -c '%a %U' /home/rswang/.ssh/authorized_keys; wc -l </home/rswang/.ssh/authorized_keys; run access/observe look`,
      ins(),
    );
    expect(access.compare(parse(), facts(said)), said.err).toEqual([]);
    expect(said.out).toMatch(/rswang:!+:/);
    expect(said.out).toContain("600 rswang\n1\n");
  });

  it.each([
    ["a group", "groupdel racksmith-auditor", "groups/racksmith-auditor"],
    ["a member who left", "gpasswd -d rsli racksmith-engineer", "members/rsli"],
    ["a member nobody named", "gpasswd -a daemon racksmith-admin", "members/daemon"],
    ["a second role", "gpasswd -a rsli racksmith-admin", "members/rsli"],
    ["a key", ": >/home/rswang/.ssh/authorized_keys", "members/rswang/sshKeys"],
    ["the rules", "echo '%racksmith-auditor ALL=(ALL) NOPASSWD: ALL' >>/etc/sudoers.d/racksmith", "sudoers"],
    ["the rules' mode", "chmod 644 /etc/sudoers.d/racksmith", "sudoers/mode"],
    ["a folder's mode", "chmod 755 /srv/racksmith/vault", "/srv/racksmith/vault"],
    ["the audit folder's group", "chgrp 0 /var/log/racksmith/audit", "/var/log/racksmith/audit"],
  ])("names %s and mends it", (_what, drift, path) => {
    const said = inRoom(
      `${vault} run access/apply act; { ${drift}; } >/dev/null; run access/observe look; run access/apply act; run access/observe look`,
      ins(),
    );
    const seen = said.out
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => access.facts.parse(JSON.parse(line)));
    expect(access.compare(parse(), seen[0]!).map((change) => change.path)).toContain(path);
    expect(access.compare(parse(), seen[1]!), said.err).toEqual([]);
  });

  it("keeps the keys that were there", () => {
    const said = inRoom(
      `${vault} useradd -m rswang; install -d -o rswang -m 700 /home/rswang/.ssh; printf 'ssh-ed25519 OLD old' >/home/rswang/.ssh/authorized_keys; run access/apply act; cat /home/rswang/.ssh/authorized_keys`,
      ins(),
    );
    expect(said.out).toContain(`ssh-ed25519 OLD old\n${key}\n`);
  });

  it("puts no rules in place that visudo refuses, or that lock the connecting user out", () => {
    const broken = { ...access.forAct(parse(), bare), sudoers: "%racksmith-admin ALL=(root NOPASSWD: ALL\n" };
    const refused = inRoom(`${vault} run access/apply act; echo rc=$rc; ls /etc/sudoers.d`, { act: broken });
    expect(refused.err).toContain("visudo refuses the sudo rules, the old ones stay");
    expect(refused.out).toContain("rc=1");
    expect(refused.out).not.toContain("\nracksmith\n");
    const locked = {
      ...access.forAct(parse({ connectionUser: "rsdeploy" }), bare),
      sudoers: "rsdeploy ALL=(ALL) !ALL\n",
    };
    const kept = inRoom(
      `${vault} useradd -m rsdeploy; echo 'rsdeploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy; run access/apply act; echo rc=$rc; ls /etc/sudoers.d; runuser -u rsdeploy -- sudo -n id -u`,
      { act: locked },
    );
    expect(kept.err).toContain("rsdeploy could not act as root any more; the old ones are back");
    expect(kept.out).toContain("rc=1");
    expect(kept.out.trimEnd().endsWith("\n0")).toBe(true);
  });

  it("gives a role exactly its commands", () => {
    const said = inRoom(
      `${systemctl} ${vault} run access/apply act >/dev/null; for who in rsadmin rswang rsli; do for what in '/usr/bin/systemctl restart racksmith-inference-main.service' '/usr/bin/systemctl reboot' '/usr/bin/id'; do runuser -u $who -- sudo -n -l $what >/dev/null 2>&1 && echo "$who may $what" || echo "$who not $what"; done; done`,
      ins(),
    );
    expect(
      said.out
        .trim()
        .split("\n")
        .filter((line) => line.includes(" may ")),
    ).toEqual([
      "rsadmin may /usr/bin/systemctl restart racksmith-inference-main.service",
      "rsadmin may /usr/bin/systemctl reboot",
      "rsli may /usr/bin/systemctl restart racksmith-inference-main.service",
    ]);
  });

  it("waits for the vault to be open", () => {
    expect(inRoom("run access/apply act", ins()).err).toContain(
      "/srv/racksmith/vault is not mounted: open the vault first",
    );
  });

  it("remove takes rules and groups, keeps people", () => {
    const said = inRoom(
      `${vault} run access/apply act >/dev/null; run access/remove act; run access/remove act; getent passwd rswang; ls /etc/sudoers.d; run access/observe look`,
      ins(),
    );
    expect(said.out).toContain("/home/rswang");
    expect(said.out).toContain("::warn the accounts rswang are kept");
    expect(facts(said)).toMatchObject({ groups: {}, sudoersSha256: "" });
  });
});
