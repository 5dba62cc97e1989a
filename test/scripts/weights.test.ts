import { describe, expect, it } from "vitest";
import { weights } from "../../provider/resources/weights.ts";
import {
  act,
  bash,
  contents,
  facts,
  lines,
  model,
  namespaces,
  node,
  nothing,
  see,
  sha,
  stageAll,
  wanted,
} from "./weights-room.ts";

describe.skipIf(!namespaces)("weights scripts", () => {
  it("bring a model in, make it current, and then find nothing to do", () => {
    const { out } = node(
      `${see}\n${stageAll}\n${act} >/dev/null\n${see}\n${act} >/dev/null\n${see}\ncat "$V/weights/current/weights/part 1.bin"; echo; ls "$V/incoming"; stat -c %a "$V/weights/current/empty"`,
    );
    const [before, after, again, content, mode] = out;
    expect(weights.compare(wanted, facts(before)).map((change) => change.path)).toEqual(["version"]);
    expect(facts(before).missing).toHaveLength(4);
    expect(weights.compare(wanted, facts(after))).toEqual([]);
    expect(again).toBe(after);
    expect(content).toBe("one");
    expect(mode).toBe("444");
  });

  it("refuse to write while the vault is closed", () => {
    const { out, err } = node(`umount "$V"\n${see}\n${act}\nls -A "$V"`);
    expect(facts(out[0])).toMatchObject({ vaultOpen: false, current: "" });
    expect(out[1]).toBe("exit 1");
    expect(out).toHaveLength(2);
    expect(err).toContain("the vault is not open");
  });

  it("take no plain filesystem for the vault", () => {
    const { err } = node(`umount "$V"\nmount -t tmpfs /dev/sda1 "$V"\n${act}`);
    expect(err).toContain("the vault is not open");
  });

  it("go on with what has arrived", () => {
    const { out, err } = node(
      `${stageAll}\nstage ${sha("two")} tw\n${see}\n${act}\nprintf o >>"$V/incoming/weights-${sha("two")}"\n${act} >/dev/null\n${see}`,
    );
    expect(facts(out[0]).missing).toContainEqual({ sha256: sha("two"), stagedBytes: 2 });
    expect(err).toContain("weights/part-2.bin: 2 of 3 bytes have arrived");
    expect(weights.compare(wanted, facts(out.at(-1)))).toEqual([]);
  });

  it("delete what arrived damaged and leave the current version", () => {
    const next = model({ ...contents, "weights/part-2.bin": "TWO" }, { version: "2" });
    const { out, err } = node(
      `${stageAll}\n${act} >/dev/null\nstage ${sha("TWO")} 2wo\napply ${lines(weights.forAct(next, nothing))}\nls "$V/incoming"; readlink "$V/weights/current"`,
    );
    expect(err).toContain(`weights/part-2.bin: arrived with SHA-256 ${sha("2wo")}, wanted ${sha("TWO")}`);
    expect(out.at(-1)).toBe("versions/tiny-1");
    expect(out).not.toContain(`weights-${sha("TWO")}`);
  });

  it("name and mend a changed, a missing and a foreign file", () => {
    const { out } = node(
      `${stageAll}\n${act} >/dev/null\nchmod u+w "$V/weights/current/config.json"; echo x >>"$V/weights/current/config.json"; rm "$V/weights/current/empty"; echo y >"$V/weights/current/extra"\n${see}\nstage ${sha("{}")} '{}'\n${act} >/dev/null\n${see}`,
    );
    expect(weights.compare(wanted, facts(out[0])).map((change) => change.path)).toEqual([
      "files.config.json",
      "files.empty",
      "files.extra",
    ]);
    expect(weights.compare(wanted, facts(out[1]))).toEqual([]);
  });

  it("keep N versions, and one more while a container has it mounted", () => {
    const versions = ["1", "2", "3", "4"].map((version) =>
      model({ "a.bin": `content ${version}` }, { version }),
    );
    const bring = versions.map((one, at) => {
      const held = at === 2 ? 'mkdir /srv/mnt; mount --bind "$V/weights/versions/tiny-2" /srv/mnt\n' : "";
      return `${held}stage ${one.files[0]?.sha256} 'content ${one.version}'\napply ${lines(weights.forAct(one, nothing))} >/dev/null; sleep 0.05; ls "$V/weights/versions" | tr '\\n' ' '; ls "$V/weights/blobs" | wc -l`;
    });
    const { out } = node(bring.join("\n"));
    expect(out).toEqual(["tiny-1 1", "tiny-1 tiny-2 2", "tiny-2 tiny-3 2", "tiny-2 tiny-3 tiny-4 3"]);
  });

  it("on a full vault, what keepVersions lets go frees the room for the rest", () => {
    const big = "b".repeat(2_000_000);
    const one = (version: string, text: string) => model({ "a.bin": text }, { version, keepVersions: 3 });
    const versions = [one("1", big), one("2", "two"), one("3", "three")];
    const bring = versions.map(
      (each) =>
        `stage ${each.files[0]?.sha256} "$text${each.version}"\napply ${lines(weights.forAct(each, nothing))} >/dev/null; sleep 0.05`,
    );
    const fewer = { ...one("3", "three"), keepVersions: 2 };
    const { out, err } = node(
      `text1=$(printf 'b%.0s' {1..2000000}) text2=two text3=three\n${bring.join("\n")}\ncat /dev/zero >"$V/filler" 2>/dev/null || true\napply ${lines(weights.forAct(fewer, nothing))}; ls "$V/weights/versions" | tr '\\n' ' '; ls "$V/weights/blobs" | wc -l; cat "$V/weights/current/a.bin"`,
    );
    expect(err).toBe("");
    expect(out.slice(-2)).toEqual(["tiny-2 tiny-3 2", "three"]);
  });

  it("go back to an earlier version without any bytes", () => {
    const second = model({ ...contents, "config.json": "[]" }, { version: "2" });
    const { out } = node(
      `${stageAll}\n${act} >/dev/null\nstage ${sha("[]")} '[]'\napply ${lines(weights.forAct(second, nothing))} >/dev/null; cat "$V/weights/current/config.json"; echo\n${act} >/dev/null; cat "$V/weights/current/config.json"`,
    );
    expect(out).toEqual(["[]", "{}"]);
  });

  it("refuse other content under the same version", () => {
    const other = model({ "config.json": "[]" });
    const { out, err } = node(
      `${stageAll}\n${act} >/dev/null\nobserve ${lines(weights.forObserve(other))}\nstage ${sha("[]")} '[]'\napply ${lines(weights.forAct(other, nothing))}\ncat "$V/weights/current/config.json"`,
    );
    expect(weights.refuse?.(other, facts(out[0])).map((refusal) => refusal.path)).toEqual(["version"]);
    expect(err).toContain("give the new content a new version");
    expect(out.at(-1)).toBe("{}");
  });

  it.each(["../evil", "/etc/passwd", "a/../../b", "a//b", "./a", "a\\nb", "SHA256SUMS", ""])(
    "refuse the file name %j by hand, too",
    (path) => {
      const text = `version=tiny-1\nmanifest_sha256=${sha("x")}\nfile_path=${path}\nfile_sha256=${sha("x")}\nfile_size=1\nkeep=2`;
      const { out, err } = node(`stage ${sha("x")} x\napply ${bash(text)}\nls "$V/weights/versions"`);
      expect(err).toContain("is not allowed");
      expect(out).toEqual(["exit 1"]);
    },
  );

  it("pick up after a power cut in the middle of building a version", () => {
    const { out } = node(
      `${stageAll}\nmkdir -p "$V/weights/versions/.tiny-1.new/weights"; ln -s nowhere "$V/weights/.current.new"\n${act} >/dev/null\n${see}\nls -A "$V/weights" "$V/weights/versions"`,
    );
    expect(weights.compare(wanted, facts(out[0]))).toEqual([]);
    expect(out.join(" ")).not.toContain(".new");
  });

  it("say what stays, and delete only when told", () => {
    const { out } = node(
      `${stageAll}\n${act} >/dev/null\nremove on_delete=keep\nls "$V/weights/versions"\nremove on_delete=wipe\nls "$V"`,
    );
    expect(out[0]).toBe("::warn kept: weights tiny-1 in /srv/racksmith/vault/weights");
    expect(out[1]).toBe("tiny-1");
    expect(out[2]).toBe("::status deleting weights tiny-1");
    expect(out.slice(3)).toEqual(["incoming"]);
  });
});
