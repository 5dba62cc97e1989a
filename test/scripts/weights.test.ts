import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { manifest } from "../../config/weights-manifest.ts";
import { weights } from "../../provider/resources/weights.ts";

const scripts = fileURLToPath(new URL("../../ansible-free-scripts/weights", import.meta.url));
const sha = (text: string) => createHash("sha256").update(text).digest("hex");

// The scripts run for real, in a mount namespace of their own where the vault is a tmpfs that carries its name.
const prelude = `
set -euo pipefail
mount -t tmpfs none /srv
mkdir -p /srv/racksmith/vault
mount -t tmpfs -o size=100m /dev/mapper/racksmith-vault /srv/racksmith/vault
V=/srv/racksmith/vault
mkdir -m 0700 "$V/incoming"
stage() { printf '%s' "$2" >"$V/incoming/weights-$1"; }
observe() { bash "${scripts}/observe.sh" <<<"$1"; }
apply() { bash "${scripts}/apply.sh" <<<"$1" || echo "exit $?"; }
remove() { bash "${scripts}/remove.sh" <<<"$1" || echo "exit $?"; }
`;

const namespaces = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/srv"]).status === 0;

function node(steps: string): { out: string[]; err: string } {
  const run = spawnSync("unshare", ["-rm", "bash", "-c", prelude + steps], { encoding: "utf8" });
  expect(run.status, run.stderr).toBe(0);
  return { out: run.stdout.trimEnd().split("\n"), err: run.stderr };
}

function model(contents: Record<string, string>, more: Record<string, unknown> = {}) {
  const made = manifest(
    Object.entries(contents).map(([path, text]) => ({
      path,
      sha256: sha(text),
      sizeBytes: Buffer.byteLength(text),
    })),
  );
  return weights.inputs.parse({ name: "tiny", version: "1", directory: "/models/tiny", ...made, ...more });
}

const bash = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const lines = (values: ReturnType<typeof weights.forObserve>) =>
  bash(
    Object.entries(values)
      .flatMap(([key, value]) => (Array.isArray(value) ? value : [value]).map((one) => `${key}=${one}`))
      .join("\n"),
  );
const facts = (line: string | undefined) => weights.facts.parse(JSON.parse(line ?? ""));
const nothing = weights.facts.parse({
  vaultOpen: true,
  current: "",
  versions: [],
  manifestSha256: "",
  damaged: [],
  surplus: [],
  missing: [],
  freeBytes: null,
});

const contents = { "config.json": "{}", "weights/part 1.bin": "one", "weights/part-2.bin": "two", empty: "" };
const wanted = model(contents);
const see = `observe ${lines(weights.forObserve(wanted))}`;
const act = `apply ${lines(weights.forAct(wanted, nothing))}`;
const stageAll = Object.values(contents)
  .filter((text) => text !== "")
  .map((text) => `stage ${sha(text)} '${text}'`)
  .join("\n");

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

  it("find with verify: full what kept its size and time", () => {
    const full = { ...wanted, verify: "full" as const };
    const seeFull = `observe ${lines(weights.forObserve(full))}`;
    const { out } = node(
      `${stageAll}\n${act} >/dev/null\nf="$V/weights/current/weights/part 1.bin"; chmod u+w "$f"; printf 0ne >"$f"; touch -d @1 "$f"\n${see}\n${seeFull}\nstage ${sha("one")} one\napply ${lines(weights.forAct(full, nothing))} >/dev/null\n${seeFull}\ncat "$f"`,
    );
    expect(weights.compare(wanted, facts(out[0]))).toEqual([]);
    expect(weights.compare(full, facts(out[1])).map((change) => change.path)).toEqual([
      "files.weights/part 1.bin",
    ]);
    expect(weights.compare(full, facts(out[2]))).toEqual([]);
    expect(out[3]).toBe("one");
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

describe.skipIf(!namespaces)("weights from a URL", () => {
  const sums = `${sha("remote one")}  dir/ö 1.bin\n${sha("")}  zero\n`;
  const files = new Map([
    ["/m/SHA256SUMS", sums],
    ["/m/dir/%C3%B6%201.bin", "remote one"],
    ["/m/zero", ""],
  ]);

  /** A server that honours Range, and can break an answer off in the middle. */
  async function served(steps: (url: string) => string, breakOnce = false) {
    const asked: string[] = [];
    let broken = !breakOnce;
    const server = createServer((request, response) => {
      const body = files.get(request.url ?? "");
      if (body === undefined) return response.writeHead(404).end();
      const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      if (request.method === "GET") asked.push(`${request.url} ${from}`);
      const part = Buffer.from(body).subarray(from);
      if (from > 0 && part.length === 0) return response.writeHead(416).end();
      response.writeHead(from > 0 ? 206 : 200, {
        "content-length": part.length,
        "content-range": `bytes ${from}-${body.length - 1}/${body.length}`,
      });
      if (request.method === "HEAD") return response.end();
      if (!broken && request.url?.endsWith(".bin")) {
        broken = true;
        return response.write(part.subarray(0, 6), () => response.destroy());
      }
      return response.end(part);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const child = spawn("unshare", [
      "-rm",
      "bash",
      "-c",
      prelude + steps(`http://127.0.0.1:${address.port}/m`),
    ]);
    let out = "";
    let err = "";
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    await once(child, "close");
    server.close();
    return { out: out.trimEnd().split("\n"), err, asked };
  }
  const remote = (url: string, manifestSha256 = sha(sums)) =>
    weights.inputs.parse({ name: "far", version: "1", url, manifestSha256 });
  const bring = (url: string, hash?: string) => `apply ${lines(weights.forAct(remote(url, hash), nothing))}`;

  it("fetch, verify and become current", async () => {
    const { out } = await served(
      (url) =>
        `${bring(url)} >/dev/null\nobserve ${lines(weights.forObserve(remote(url)))}\ncat "$V/weights/current/dir/ö 1.bin"`,
    );
    expect(weights.compare(remote("http://x/m"), facts(out[0]))).toEqual([]);
    expect(out[1]).toBe("remote one");
  });

  it("go on where a broken transfer stopped", async () => {
    const { out, asked } = await served(
      (url) => `${bring(url)} >/dev/null\ncat "$V/weights/current/dir/ö 1.bin"`,
      true,
    );
    expect(out.at(-1)).toBe("remote one");
    expect(asked).toContain("/m/dir/%C3%B6%201.bin 6");
  });

  it("refuse a manifest that is not the pinned one", async () => {
    const { out, err } = await served((url) => `${bring(url, sha("other"))}\nls "$V/weights/versions"`);
    expect(err).toContain(`wanted ${sha("other")}`);
    expect(out.at(-1)).toBe("exit 1");
  });
});
