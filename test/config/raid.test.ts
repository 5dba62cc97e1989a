import { describe, expect, it } from "vitest";
import { raidConfig } from "../../config/raid.ts";

describe("raid config", () => {
  it("mirrors two disks by default and keeps everything", () => {
    expect(raidConfig.parse({ members: ["S1", "S2"] })).toMatchObject({
      name: "racksmith",
      level: 1,
      bitmap: true,
      wipe: [],
      onDelete: "keep",
    });
  });

  it.each([
    ["one member", { members: ["S1"] }],
    ["no members", {}],
    ["level 5", { members: ["S1", "S2"], level: 5 }],
    ["a spare for level 0", { members: ["S1", "S2"], level: 0, spares: ["S3"] }],
    ["a chunk for level 1", { members: ["S1", "S2"], chunkKiB: 64 }],
    ["an odd chunk", { members: ["S1", "S2"], level: 0, chunkKiB: 100 }],
    ["a disk twice", { members: ["S1", "S1"] }],
    ["a spare that is a member", { members: ["S1", "S2"], spares: ["S2"] }],
    ["a name with a path", { members: ["S1", "S2"], name: "../x" }],
    ["wipe of another disk", { members: ["S1", "S2"], wipe: ["S9"] }],
    ["wipe: all", { members: ["S1", "S2"], wipe: true }],
    ["an unknown key", { members: ["S1", "S2"], force: true }],
  ])("refuses %s", (_, input) => {
    expect(raidConfig.safeParse(input).success).toBe(false);
  });
});
