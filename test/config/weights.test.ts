import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pathProblem, weightsConfig } from "../../config/weights.ts";
import { manifest, manifestOf } from "../../config/weights-manifest.ts";

const sha = (text: string) => createHash("sha256").update(text).digest("hex");

describe("weights config", () => {
  const source = { kind: "directory", directory: "/models/tiny" };

  it("takes a directory, and a URL with a pinned manifest", () => {
    expect(weightsConfig.safeParse({ name: "tiny", version: "1", source }).success).toBe(true);
    const url = { kind: "url", url: "https://models.example.com/tiny", manifestSha256: sha("x") };
    expect(weightsConfig.safeParse({ name: "tiny", version: "1", source: url }).success).toBe(true);
    expect(
      weightsConfig.safeParse({ name: "tiny", version: "1", source: { ...url, manifestSha256: "" } }).success,
    ).toBe(false);
  });

  it.each(["../x", "a/b", "$(reboot)", "a b", "a\nb", ".hidden", "", "x".repeat(10_000)])(
    "refuses the version %j, which becomes a folder name",
    (version) => {
      expect(weightsConfig.safeParse({ name: "tiny", version, source }).success).toBe(false);
    },
  );

  it.each([
    ["a/b.bin", undefined],
    ["日本 語.bin", undefined],
    ["", "is empty"],
    ["/a", "is absolute"],
    ["a/../b", "contains an empty, . or .. part"],
    ["a//b", "contains an empty, . or .. part"],
    ["a\nb", "contains a control character"],
    ["a\u0085b", "contains a control character"],
    ["a\\b", "contains a backslash"],
  ])("judges the path %j", (path, problem) => {
    expect(pathProblem(path)).toBe(problem);
  });
});

describe("manifestOf", () => {
  let folder: string;
  let cache: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "racksmith-weights-"));
    cache = join(folder, "..", `${folder.split("/").at(-1)}.json`);
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
    await rm(cache, { force: true });
  });
  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  const problems = async () => {
    const made = await manifestOf(folder, cache);
    return "problems" in made ? made.problems.map(({ path, problem }) => `${path}: ${problem}`) : [];
  };

  it("hashes every file where there is no SHA256SUMS", async () => {
    await put("b.bin", "two");
    await put("a/empty", "");
    await put(".cache/skipped", "x");
    expect(await manifestOf(folder, cache)).toEqual(
      manifest([
        { path: "a/empty", sha256: sha(""), sizeBytes: 0 },
        { path: "b.bin", sha256: sha("two"), sizeBytes: 3 },
      ]),
    );
  });

  it("remembers hashes by size, time and inode, and sees a change", async () => {
    await put("a.bin", "one");
    const first = await manifestOf(folder, cache);
    expect(await manifestOf(folder, cache)).toEqual(first);
    await put("a.bin", "eno");
    await utimes(join(folder, "a.bin"), 5, 5);
    expect(await manifestOf(folder, cache)).toEqual(
      manifest([{ path: "a.bin", sha256: sha("eno"), sizeBytes: 3 }]),
    );
  });

  it("hashes again when its memory is damaged", async () => {
    await put("a.bin", "one");
    await writeFile(cache, '{"a.bin": 3');
    expect(await manifestOf(folder, cache)).toMatchObject({ files: [{ sha256: sha("one") }] });
  });

  it("takes the folder's own SHA256SUMS, as sha256sum writes it", async () => {
    await put("a b.bin", "one");
    await put("SHA256SUMS", `${sha("claimed")} *./a b.bin\n`);
    expect(await manifestOf(folder, cache)).toMatchObject({
      files: [{ path: "a b.bin", sha256: sha("claimed"), sizeBytes: 3 }],
    });
  });

  it("reports every problem of a SHA256SUMS at once", async () => {
    await put(
      "SHA256SUMS",
      `${sha("x")}  ../../etc/passwd\nnonsense\n${sha("x")}  gone.bin\n${sha("x")}  /abs\n`,
    );
    expect(await problems()).toEqual([
      expect.stringContaining("SHA256SUMS:1"),
      expect.stringContaining("SHA256SUMS:2"),
      expect.stringContaining("SHA256SUMS:4"),
      "weights/source/directory/gone.bin: is not there",
    ]);
  });

  it("follows no symbolic link, neither a file nor a folder", async () => {
    await put("real/a.bin", "one");
    await symlink("/etc/passwd", join(folder, "link.bin"));
    await symlink("real", join(folder, "folder"));
    await put("SHA256SUMS", `${sha("x")}  link.bin\n${sha("x")}  folder/a.bin\n`);
    expect(await problems()).toEqual([
      expect.stringContaining("link.bin: is a symbolic link"),
      expect.stringContaining("folder/a.bin: is a symbolic link"),
    ]);
  });

  it("refuses a name with a newline, an empty folder and one that is not there", async () => {
    expect(await problems()).toEqual([expect.stringContaining("holds no files")]);
    await put("a\nb", "x");
    expect(await problems()).toEqual([expect.stringContaining("contains a control character")]);
    expect(await manifestOf(join(folder, "gone"), cache)).toMatchObject({
      problems: [{ problem: expect.stringContaining("is not a folder") }],
    });
  });

  it("gives the same hash whatever order the files come in", () => {
    const a = { path: "a", sha256: sha("a"), sizeBytes: 1 };
    const b = { path: "b", sha256: sha("b"), sizeBytes: 1 };
    expect(manifest([b, a])).toEqual(manifest([a, b]));
  });
});
