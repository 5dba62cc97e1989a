import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { weights } from "../../provider/resources/weights.ts";

type Facts = ReturnType<typeof weights.facts.parse>;

const hash = (digit: string) => digit.repeat(64);
const MANIFEST = hash("f");
const MIB = 2 ** 20;
const files = [
  { path: "a.bin", sha256: hash("a"), sizeBytes: 100 * MIB },
  { path: "copy of a.bin", sha256: hash("a"), sizeBytes: 100 * MIB },
  { path: "empty", sha256: hash("e"), sizeBytes: 0 },
];
const want = (more: Record<string, unknown> = {}) =>
  weights.inputs.parse({
    name: "tiny",
    version: "2",
    directory: "/m",
    files,
    manifestSha256: MANIFEST,
    ...more,
  });
const found = (more: Partial<Facts> = {}): Facts => ({
  vaultOpen: true,
  current: "tiny-2",
  versions: ["tiny-1", "tiny-2"],
  manifestSha256: MANIFEST,
  damaged: [],
  surplus: [],
  unread: 0,
  missing: [],
  freeBytes: null,
  ...more,
});
const absent = found({
  current: "tiny-1",
  manifestSha256: "",
  missing: [
    { sha256: hash("a"), stagedBytes: 40 * MIB },
    { sha256: hash("e"), stagedBytes: 0 },
  ],
  freeBytes: 1000 * MIB,
});
const paths = (list: readonly { path: string }[] | undefined) => list?.map(({ path }) => path);

describe("weights compare", () => {
  it("finds nothing to do", () => {
    expect(weights.compare(want(), found())).toEqual([]);
    expect(weights.refuse?.(want(), found())).toEqual([]);
  });

  it("says which version comes and how much of it is to be brought", () => {
    expect(weights.compare(want(), absent)).toEqual([
      { path: "version", found: "tiny-1", wanted: "tiny-2", disruption: "none", why: "60 MiB to bring" },
    ]);
  });

  it("waits for the vault", () => {
    expect(weights.compare(want(), found({ vaultOpen: false, current: "" }))).toMatchObject([
      { path: "version", found: "the vault is closed" },
    ]);
  });

  it("names damaged files, also those whose content in the store is", () => {
    const facts = found({ damaged: ["empty"], missing: [{ sha256: hash("a"), stagedBytes: 0 }] });
    expect(paths(weights.compare(want(), facts))).toEqual([
      "files.a.bin",
      "files.copy of a.bin",
      "files.empty",
    ]);
  });

  it("says that contents are to be read again", () => {
    expect(weights.compare(want({ verify: "full" }), found({ unread: 2 }))).toMatchObject([
      { path: "verify", found: "2 contents not read whole within a day", disruption: "none" },
    ]);
  });

  it("names versions that may go", () => {
    expect(paths(weights.compare(want(), found({ surplus: ["tiny-0"] })))).toEqual(["keepVersions"]);
  });
});

describe("weights refuse", () => {
  it("counts space before the first byte: 60 MiB to bring and 64 to stay free", () => {
    expect(weights.refuse?.(want(), { ...absent, freeBytes: 124 * MIB })).toEqual([]);
    expect(weights.refuse?.(want(), { ...absent, freeBytes: 124 * MIB - 1 })).toMatchObject([
      {
        path: "source",
        found: "124 MiB free on the vault",
        wanted: "60 MiB for the model and 64 MiB that stay free",
      },
    ]);
  });

  it("lets no version change its content", () => {
    expect(paths(weights.refuse?.(want({ manifestSha256: hash("0") }), found()))).toEqual(["version"]);
  });

  it("wants one source", () => {
    expect(paths(weights.refuse?.(want({ url: "https://example.com/m" }), found()))).toEqual(["source"]);
    expect(paths(weights.refuse?.(want({ directory: undefined }), found()))).toEqual(["source"]);
  });
});

describe("weights uploads", () => {
  it("stream each missing content once, from where it stopped, and empty ones not at all", async () => {
    const directory = await mkdtemp(join(tmpdir(), "racksmith-uploads-"));
    try {
      await writeFile(join(directory, "a.bin"), Buffer.alloc(1000));
      const small = files.map((file) => ({ ...file, sizeBytes: Math.min(file.sizeBytes, 1000) }));
      const facts = {
        ...absent,
        missing: [
          { sha256: hash("a"), stagedBytes: 400 },
          { sha256: hash("e"), stagedBytes: 0 },
        ],
      };
      expect(await weights.uploads?.(want({ directory, files: small }), facts)).toEqual([
        {
          localPath: join(directory, "a.bin"),
          key: `weights-${hash("a")}`,
          sizeBytes: 1000,
          offsetBytes: 400,
        },
      ]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("stop when a file has changed since its manifest was made", async () => {
    const directory = await mkdtemp(join(tmpdir(), "racksmith-uploads-"));
    try {
      await writeFile(join(directory, "a.bin"), "short");
      await expect(weights.uploads?.(want({ directory }), absent)).rejects.toThrow(/a\.bin has 5 bytes/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("bring nothing while the vault is closed, and nothing for a URL", async () => {
    expect(await weights.uploads?.(want(), { ...absent, vaultOpen: false })).toEqual([]);
    expect(
      await weights.uploads?.(want({ directory: undefined, url: "https://example.com/m" }), absent),
    ).toEqual([]);
  });
});

describe("weights inputs", () => {
  it.each(["../x", "/etc/passwd", "a\nb", "a/./b", ""])("refuse the file %j", (path) => {
    expect(weights.inputs.safeParse({ ...want(), files: [{ ...files[0], path }] }).success).toBe(false);
  });
});
