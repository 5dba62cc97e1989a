import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { exitCodes } from "../../cli/errors.ts";
import { scanHostKeys } from "../../cli/trust/scan.ts";
import { trust } from "../../cli/verbs/trust.ts";
import { makeKey, SshServer } from "../support/ssh-server.ts";
import { closeServers, newKey, sshServer } from "./closed-server.ts";

let folder: string;
let file: string;
let said: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-trust-"));
  file = join(folder, "Pulumi.lab.yaml");
  said = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  closeServers();
  rmSync(folder, { recursive: true, force: true });
});

const options = (port: number, more = {}) => ({ port, configFile: file, fingerprint: [], ...more });
const yes = async () => true;
const no = async () => false;
const never = async () => {
  throw new Error("asked, though nothing was to be asked");
};

describe("a host behind a jump", () => {
  let jump: SshServer;
  beforeEach(async () => {
    jump = await SshServer.start();
    writeFileSync(join(folder, "key"), jump.userKey.private, { mode: 0o600 });
  });
  afterEach(() => jump.stop());

  const behind = (port: number, hostKeys: string[], key = `privateKeyFile: ${join(folder, "key")}`) =>
    writeFileSync(
      file,
      `config:\n  racksmith:hosts:\n    - name: gpu-1\n      address: 127.0.0.1\n      port: ${port}\n      jump:\n` +
        `        address: 127.0.0.1\n        port: ${jump.proxy.port}\n        ${key}\n        hostKeys: ${JSON.stringify(hostKeys)}\n`,
    );

  it("is asked through it, logged in to as configured", async () => {
    const port = await sshServer([newKey("ed25519")]);
    behind(port, [jump.hostKey.public]);
    await trust("127.0.0.1", options(port), yes);
    const [host] = parse(readFileSync(file, "utf8")).config["racksmith:hosts"];
    expect(host.hostKeys).toEqual([expect.stringMatching(/^ssh-ed25519 /)]);
    expect(host.jump.hostKeys).toEqual([jump.hostKey.public]);
    // Through the jump alone: without it the same server is not asked.
    await jump.proxy.stop();
    await expect(trust("127.0.0.1", options(port), yes)).rejects.toThrow(/connection refused|no answer/);
  });

  it("is not taken for another with the same private address behind another jump: a name says which", async () => {
    const port = await sshServer([newKey("ed25519")]);
    const [offered] = await scanHostKeys("127.0.0.1", port);
    const [right, other] = [`ssh-ed25519 ${offered?.base64}`, makeKey().public];
    const second = await SshServer.start();
    writeFileSync(join(folder, "second"), second.userKey.private, { mode: 0o600 });
    const entry = (name: string, by: SshServer, key: string, pin: string) =>
      `    - name: ${name}\n      address: 127.0.0.1\n      port: ${port}\n      hostKeys: [${pin}]\n      jump:\n` +
      `        address: 127.0.0.1\n        port: ${by.proxy.port}\n        privateKeyFile: ${join(folder, key)}\n` +
      `        hostKeys: [${by.hostKey.public}]\n`;
    const text = `config:\n  racksmith:hosts:\n${entry("a", jump, "key", right)}${entry("b", second, "second", other)}`;
    writeFileSync(file, text);
    const pins = () => {
      const hosts: { hostKeys: string[] }[] = parse(readFileSync(file, "utf8")).config["racksmith:hosts"];
      return hosts.map(({ hostKeys }) => hostKeys[0]);
    };
    try {
      const unsaid = trust("127.0.0.1", options(port), never);
      await expect(unsaid).rejects.toMatchObject({ exitCode: exitCodes.refused });
      await expect(unsaid).rejects.toThrow(
        `a through 127.0.0.1:${jump.proxy.port}, b through 127.0.0.1:${second.proxy.port}.\nSay which is meant: --name a`,
      );
      await trust("127.0.0.1", options(port, { name: "a" }), never);
      expect(readFileSync(file, "utf8")).toBe(text);
      await expect(trust("127.0.0.1", options(port, { name: "b" }), no)).rejects.toThrow(
        /nothing was pinned/,
      );
      expect(said).toContain("THE HOST KEY HAS CHANGED");
      expect(pins()).toEqual([right, other]);
      await jump.proxy.stop();
      await trust("127.0.0.1", options(port, { name: "b" }), yes);
      expect(pins()).toEqual([right, right]);
    } finally {
      await second.stop();
    }
  });

  it("is not asked before the jump is pinned, by a jump with another key, or with an encrypted one", async () => {
    const port = await sshServer([newKey("ed25519")]);
    behind(port, []);
    await expect(trust("127.0.0.1", options(port), never)).rejects.toThrow(/Pin the jump first/);
    behind(port, [makeKey().public]);
    await expect(trust("127.0.0.1", options(port), never)).rejects.toThrow(/not the pinned one/);
    behind(port, [jump.hostKey.public], "privateKey: { secure: AAAB }");
    await expect(trust("127.0.0.1", options(port), never)).rejects.toThrow(
      /encrypted privateKey is not read/,
    );
  });
});
