// When contents are read whole: `verify: full`.
import { describe, expect, it } from "vitest";
import { weights } from "../../provider/resources/weights.ts";
import { act, facts, lines, namespaces, node, nothing, see, sha, stageAll, wanted } from "./weights-room.ts";

describe.skipIf(!namespaces)("weights with verify: full", () => {
  const full: typeof wanted = { ...wanted, verify: "full" };
  const seeFull = `observe ${lines(weights.forObserve(full))}`;
  const actFull = `apply ${lines(weights.forAct(full, nothing))}`;
  /** As if everything had been read so long ago. */
  const age = (seconds: number) =>
    `while read -r a b c; do echo "$a $b $((c - ${seconds}))"; done <"$V/weights/read" >"$V/r"; mv "$V/r" "$V/weights/read"`;
  const spoil = `f="$V/weights/current/weights/part 1.bin"; chmod u+w "$f"; printf 0ne >"$f"; touch -d @1 "$f"`;

  it("find with verify: full what kept its size and time, once a day has gone by", () => {
    const { out, err } = node(
      `${stageAll}\n${act} >/dev/null\n${spoil}\n${see}\n${seeFull}\n${age(86_500)}\n${see}\n${seeFull}\n${actFull}\n${seeFull}\nstage ${sha("one")} one\n${actFull} >/dev/null\n${seeFull}\ncat "$f"`,
    );
    const changes = (line: string | undefined, of = full) => weights.compare(of, facts(line));
    expect(changes(out[0], wanted)).toEqual([]);
    expect(changes(out[1])).toEqual([]);
    expect(changes(out[2], wanted)).toEqual([]);
    expect(changes(out[3])).toMatchObject([
      { path: "verify", found: "4 contents not read whole within a day" },
    ]);
    expect(out.join("\n")).toContain("::warn weights/part 1.bin: it has changed on the vault");
    expect(err).toContain("weights/part 1.bin: has not arrived");
    const [afterRead, mended, content] = out.slice(-3);
    expect(changes(afterRead).map((change) => change.path)).toEqual(["files.weights/part 1.bin"]);
    expect(facts(afterRead).missing).toEqual([{ sha256: sha("one"), stagedBytes: 0 }]);
    expect(changes(mended)).toEqual([]);
    expect(content).toBe("one");
  });

  it("a look reads no contents, not even with verify: full; an act reads what is due, and no more", () => {
    const { out } = node(
      `${stageAll}\n${act} >/dev/null\n${age(86_500)}\nsha256sum() { [[ $(readlink /proc/self/fd/0) != */blobs/* ]] || echo READ >>"$V/reads"; command sha256sum "$@"; }\nexport -f sha256sum; export V\n${seeFull}\nls "$V"\n${actFull} >/dev/null\n${seeFull}\n${actFull} >/dev/null\nwc -l <"$V/reads"; wc -l <"$V/weights/read"`,
    );
    expect(facts(out[0]).unread).toBe(4);
    expect(out.slice(1, 3)).toEqual(["incoming", "weights"]);
    expect(weights.compare(full, facts(out[3]))).toEqual([]);
    expect(out.slice(4)).toEqual(["4", "4"]);
  });

  it("a replaced file, a torn record and a clock set back are read again", () => {
    const each = [
      `cp -p "$V/weights/blobs/${sha("one")}" "$V/n"; mv -f "$V/n" "$V/weights/blobs/${sha("one")}"`,
      `head -c -7 "$V/weights/read" >"$V/r"; mv "$V/r" "$V/weights/read"`,
      age(-500),
    ];
    const { out } = node(
      `${stageAll}\n${act} >/dev/null\n${each.map((one) => `${one}\n${seeFull}\n${actFull} >/dev/null\n${seeFull}`).join("\n")}`,
    );
    expect(out.map((line) => facts(line).unread)).toEqual([1, 0, 1, 0, 4, 0]);
  });
});
