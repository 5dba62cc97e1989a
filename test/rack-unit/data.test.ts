import { describe, expect, it } from "vitest";
import { parseStackConfig } from "../../config/index.ts";
import { Secret } from "../../config/secret.ts";
import { mirrorsAmong } from "../../rack/mirror.ts";
import { tmpfilesLines } from "../../rack/node/seed.ts";
import { nodeSpec } from "../../rack/nodes/index.ts";
import { keepEdits, stackConfig } from "../../rack/stack.ts";

describe("mirrors of this machine's apt", () => {
  const listing = [
    "https://vendor.example/node\tNode Vendor\tNode Vendor",
    "http://mirror.example/debian/\tDebian\tDebian",
    "http://mirror.example/debian-security/\tDebian\tDebian-Security",
  ];

  it("are chosen by the signed origin, not by their place", () => {
    expect(mirrorsAmong(listing.join("\n"))).toEqual({
      main: "http://mirror.example/debian",
      security: "http://mirror.example/debian-security",
    });
  });

  it("may lack a security archive, or Debian altogether", () => {
    expect(mirrorsAmong(listing.slice(0, 2).join("\n"))).toEqual({ main: "http://mirror.example/debian" });
    expect(mirrorsAmong(listing[0] ?? "")).toBeUndefined();
  });
});

describe("files that a node is seeded with", () => {
  it("carry any text, whatever is in it", () => {
    const text = 'a "b" %h\n$(c)\\\n';
    const [line = ""] = tmpfilesLines([{ path: "/etc/x", mode: "0600", text, when: "always" }]).split("\n");
    expect(line.startsWith("f+~ /etc/x 0600 root root - ")).toBe(true);
    expect(Buffer.from(line.split(" ").at(-1) ?? "", "base64").toString()).toBe(text);
  });
});

describe("a node's stack config", () => {
  const image = (name: string) => `10.0.2.2:22012/racksmith/${name}@sha256:${"a".repeat(64)}`;
  const facts = {
    sshPort: 22000,
    user: "ops",
    hostPublicKey: "ssh-ed25519 AAAA",
    privateKeyFile: "/k",
    vaultKey: new Secret("not-a-real-vault-key"),
    apiKey: new Secret("not-a-real-api-key-but-long-enough"),
    images: { llamacpp: image("llamacpp"), monitoring: {} },
    weightsDirectory: "/w",
  };

  it("is one that racksmith takes", () => {
    const parsed = parseStackConfig(stackConfig(nodeSpec("entry-4090"), facts));
    expect("problems" in parsed ? parsed.problems : []).toEqual([]);
  });

  it("never uses the disk that carries data", () => {
    expect(stackConfig(nodeSpec("entry-4090"), facts).raid).toEqual({
      level: 1,
      members: ["RACKNVME0001", "RACKNVME0002"],
    });
  });

  it("does not print its secrets", () => {
    expect(JSON.stringify(stackConfig(nodeSpec("entry-4090"), facts))).not.toMatch(/not-a-real/);
  });

  it("keeps what somebody edited and renews the rest", () => {
    const lastMade = { a: 1, b: { c: 1 }, gone: 1 };
    const present = { a: 1, b: { c: 2 }, gone: 1, own: true };
    expect(keepEdits(present, lastMade, { a: 5, b: { c: 9 } })).toEqual({ a: 5, b: { c: 2 }, own: true });
  });

  it("takes no encrypted key for an edit, and leaves it encrypted while it is the same", () => {
    const lastMade = {
      vault: { key: "k", unlock: "tpm2" },
      inference: { apiKeys: { rack: "old" }, image: "a" },
    };
    const present = {
      vault: { key: { secure: "v1:x" }, unlock: "operator" },
      inference: { apiKeys: { rack: { secure: "v1:y" } }, image: "a" },
    };
    const made = { vault: lastMade.vault, inference: { apiKeys: { rack: "old" }, image: "b" } };
    expect(keepEdits(present, lastMade, made)).toEqual({
      vault: present.vault,
      inference: { apiKeys: { rack: { secure: "v1:y" } }, image: "b" },
    });
    const renewed = { ...made, inference: { apiKeys: { rack: "new" }, image: "b" } };
    expect(keepEdits(present, lastMade, renewed).inference).toEqual(renewed.inference);
  });
});
