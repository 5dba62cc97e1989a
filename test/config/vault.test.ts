import { describe, expect, it } from "vitest";
import { vaultConfig } from "../../config/vault.ts";

const key = "a key that is long enough";

describe("vault config", () => {
  it("waits for the operator and keeps everything by default", () => {
    expect(vaultConfig.parse({ key })).toMatchObject({
      name: "vault",
      unlock: "operator",
      tpm2Pcrs: [7],
      sectorSizeBytes: 4096,
      workqueues: false,
      onDelete: "keep",
    });
  });

  it.each([
    ["no key", {}],
    ["a short key", { key: "short" }],
    ["an unknown policy", { key, unlock: "never" }],
    ["a PCR that there is not", { key, tpm2Pcrs: [24] }],
    ["a sector of 1024", { key, sectorSizeBytes: 1024 }],
    ["too little memory", { key, pbkdfMemoryMiB: 1 }],
    ["reformat: true", { key, reformat: true }],
    ["reformat: yes", { key, reformat: "yes" }],
    ["a name with a path", { key, name: "../x" }],
  ])("refuses %s", (_, input) => {
    expect(vaultConfig.safeParse(input).success).toBe(false);
  });
});
