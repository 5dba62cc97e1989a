import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { files } from "../../provider/resources/files.ts";
import { inRoom, lastJson, rooms, type Said } from "./node-room.ts";

const parse = (given: z.input<typeof files.inputs>) => files.inputs.parse(given);
const facts = (said: Said) => files.facts.parse(lastJson(said));
const nothing = { files: [], stale: [], pending: [] };
const ins = (wanted: ReturnType<typeof parse>) => ({
  act: files.forAct(wanted, nothing),
  look: files.forObserve(wanted),
});
const hostile = "$(touch /etc/pwned) `id` \"'\\n\\\nsecond line\r\n% 号\tend without newline";

const set = parse({
  name: "test",
  files: [
    { path: "/etc/room/a.conf", content: hostile, onChange: [{ kind: "reload", unit: "chrony.service" }] },
    { path: "/etc/room/deep/er/empty.conf", content: "", mode: "0600" },
    {
      path: "/etc/room/secret.conf",
      mode: "640",
      group: "daemon",
      onChange: [{ kind: "signal", container: "prometheus", signal: "HUP" }, { kind: "daemon-reload" }],
    },
  ],
  secretContents: { "/etc/room/secret.conf": "canary-secret\n" },
});

describe.skipIf(!rooms)("files on a node", () => {
  it("writes bytes exactly, reloads once, and finds nothing to do afterwards", () => {
    const said = inRoom(
      'run files/apply act; cat "$CALLS" >&2; : >"$CALLS"; run files/apply act; cat "$CALLS" >&2; run files/observe look',
      ins(set),
    );
    expect(files.compare(set, facts(said))).toEqual([]);
    const calls = said.err.split("\n").filter((line) => /^(systemctl|docker) /.test(line));
    expect(calls.filter((line) => line.includes("daemon-reload"))).toHaveLength(1);
    expect(calls.filter((line) => line.includes("reload-or-restart chrony.service"))).toHaveLength(1);
    expect(calls.filter((line) => line.includes("kill --signal HUP -- prometheus"))).toHaveLength(1);
    expect(calls.findIndex((line) => line.includes("daemon-reload"))).toBe(0);
    expect(said.out + said.err).not.toContain("canary-secret");
  });

  it.each([
    ["content", "echo more >>/etc/room/a.conf", "/etc/room/a.conf:content"],
    ["mode", "chmod 666 /etc/room/a.conf", "/etc/room/a.conf:mode"],
    ["owner", "chown daemon /etc/room/a.conf", "/etc/room/a.conf:owner"],
    ["group", "chgrp 0 /etc/room/secret.conf", "/etc/room/secret.conf:group"],
    ["a missing file", "rm /etc/room/a.conf", "/etc/room/a.conf"],
    ["a link instead", "ln -sf /etc/passwd /etc/room/a.conf", "/etc/room/a.conf"],
  ])("names a drift in %s and mends it", (_what, drift, path) => {
    const look = inRoom(`run files/apply act; ${drift}; run files/observe look`, ins(set));
    expect(files.compare(set, facts(look)).map((change) => change.path)).toEqual([path]);
    const mended = inRoom(
      `run files/apply act; ${drift}; run files/apply act; run files/observe look`,
      ins(set),
    );
    expect(files.compare(set, facts(mended))).toEqual([]);
  });

  it("remembers a reload that failed until it is done", () => {
    const cut = inRoom(
      "FAILS=HUP; export FAILS; run files/apply act; echo rc=$rc; run files/observe look",
      ins(set),
    );
    expect(cut.out).toContain("rc=1");
    expect(files.compare(set, facts(cut))).toContainEqual(
      expect.objectContaining({ path: "onChange", found: "not done: signal HUP prometheus" }),
    );
    const later = inRoom(
      "FAILS=HUP; export FAILS; run files/apply act; unset FAILS; run files/apply act; run files/observe look",
      ins(set),
    );
    expect(files.compare(set, facts(later))).toEqual([]);
  });

  it("removes what it created, keeps what was edited or there before, and says so", () => {
    const said = inRoom(
      `mkdir -p /etc/room; echo before >/etc/room/a.conf
       run files/apply act; echo edited >>/etc/room/secret.conf; run files/remove act; ls /etc/room /etc/room/deep/er`,
      ins(set),
    );
    expect(said.out).toContain("::warn /etc/room/secret.conf is kept: it was edited");
    expect(said.out).toMatch(/a\.conf\n.*deep\n.*secret\.conf/s);
    expect(said.out).not.toContain("empty.conf\n/");
    expect(said.out.trimEnd().endsWith("/etc/room/deep/er:")).toBe(true);
  });

  it("drops a file that left the list", () => {
    const fewer = parse({ ...set, files: set.files.slice(1) });
    const said = inRoom(
      "run files/apply act; run files/observe less; run files/apply fewer; run files/observe less; ls /etc/room",
      {
        ...ins(set),
        less: files.forObserve(fewer),
        fewer: files.forAct(fewer, nothing),
      },
    );
    const seen = said.out
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => files.facts.parse(JSON.parse(line)));
    expect(seen[0]?.stale).toEqual(["/etc/room/a.conf"]);
    expect(files.compare(fewer, seen[1]!)).toEqual([]);
    expect(said.out).not.toContain("\na.conf\n");
  });

  it("refuses to write through a link or over a directory, and names who is missing", () => {
    const linked = inRoom(
      "ln -s /var/tmp /etc/room; run files/apply act; echo rc=$rc; run files/observe look",
      ins(set),
    );
    expect(linked.err).toContain("/etc/room/a.conf: a folder above it is a symbolic link");
    expect(linked.out).toContain("rc=1");
    expect(files.refuse?.(set, facts(linked))).toHaveLength(3);
    expect(inRoom("mkdir -p /etc/room/a.conf; run files/apply act", ins(set)).err).toContain(
      "is a directory",
    );
    const nobody = parse({
      name: "test",
      files: [{ path: "/etc/room/x", content: "", owner: "nobodyhere" }],
    });
    expect(inRoom("run files/apply act", ins(nobody)).err).toContain("there is no user nobodyhere");
  });

  it("takes numbers for accounts that have no name", () => {
    const numbered = parse({
      name: "test",
      files: [{ path: "/etc/room/x", content: "x", owner: "65000", group: "65001" }],
    });
    const said = inRoom("run files/apply act; run files/observe look", ins(numbered));
    expect(files.compare(numbered, facts(said))).toEqual([]);
  });

  it("leaves the mode of a folder that was there", () => {
    const said = inRoom(
      "mkdir -p /etc/room; chmod 0710 /etc/room; run files/apply act; stat -c %a /etc/room /etc/room/deep",
      ins(set),
    );
    expect(said.out).toMatch(/710\n755\n$/);
  });

  it("a full disk leaves the old file", () => {
    const big = parse({ name: "test", files: [{ path: "/etc/full/x", content: "y".repeat(200_000) }] });
    const said = inRoom(
      "mkdir /etc/full; mount -t tmpfs -o size=64k none /etc/full; echo old >/etc/full/x; run files/apply act; echo rc=$rc; cat /etc/full/x; ls -A /etc/full",
      ins(big),
    );
    expect(said.err).toContain("is the disk full?");
    expect(said.out).toMatch(/rc=\d+\nold\nx\n$/);
    expect(said.out).not.toContain("rc=0");
  });
});
