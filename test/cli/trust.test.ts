import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { exitCodes } from "../../cli/errors.ts";
import { fingerprint, parseKey, scanHostKeys } from "../../cli/trust/scan.ts";
import { trust } from "../../cli/verbs/trust.ts";
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

it("reads the server's keys of every kind, with OpenSSH's fingerprints", async () => {
  const [ed, rsa] = [newKey("ed25519"), newKey("rsa")];
  const keys = await scanHostKeys("127.0.0.1", await sshServer([ed, rsa]));
  expect(keys.map((key) => key.type)).toEqual(["ssh-ed25519", "ssh-rsa"]);
  const parsed = ssh2.utils.parseKey(ed);
  if (parsed instanceof Error) throw parsed;
  expect(keys[0]?.base64).toBe(parsed.getPublicSSH().toString("base64"));
  expect(
    fingerprint(parseKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")),
  ).toBe("SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
});

it("writes the pin under the host and keeps comments, order and other hosts", async () => {
  const port = await sshServer([newKey("ed25519")]);
  writeFileSync(
    file,
    `# our lab\nconfig:\n  racksmith:tier: entry-4090 # the small one\n  racksmith:hosts:\n    # the first\n    - name: a\n      address: 10.0.0.1\n      hostKeys: [ssh-ed25519 AAAA]\n    - name: b # the second\n      address: 127.0.0.1\n      port: ${port}\n      user: ops\nencryptionsalt: v1:x\n`,
  );
  await trust("127.0.0.1", options(port), yes);
  const text = readFileSync(file, "utf8");
  for (const kept of [
    "# our lab",
    "# the small one",
    "# the first",
    "name: b # the second",
    "user: ops",
    "encryptionsalt: v1:x",
    "hostKeys: [ ssh-ed25519 AAAA ]",
  ]) {
    expect(text).toContain(kept);
  }
  expect(text).toMatch(/user: ops\n {6}hostKeys:\n {8}- ssh-ed25519 AAAAC3/);
  await trust("127.0.0.1", options(port), never);
  expect(said).toContain("pinned already");
});

it("makes the file, and names the host, when there is none yet", async () => {
  const port = await sshServer([newKey("ed25519")]);
  await trust("127.0.0.1", options(port, { name: "node-a" }), yes);
  expect(readFileSync(file, "utf8")).toMatch(
    new RegExp(
      `^config:\n {2}racksmith:hosts:\n {4}- name: node-a\n {6}address: 127.0.0.1\n {6}port: ${port}\n {6}hostKeys:\n {8}- ssh-ed25519 `,
    ),
  );
});

it("a changed key is shown as CHANGED, and without a yes stays pinned as it was", async () => {
  const port = await sshServer([newKey("ed25519")]);
  await trust("127.0.0.1", options(port), yes);
  const before = readFileSync(file, "utf8");
  closeServers();
  await sshServer([newKey("ed25519")], port);
  await expect(trust("127.0.0.1", options(port), no)).rejects.toMatchObject({ exitCode: exitCodes.refused });
  expect(said).toContain("CHANGED");
  expect(said).toContain("THE HOST KEY HAS CHANGED");
  expect(said).toContain("was pinned");
  expect(readFileSync(file, "utf8")).toBe(before);
  await trust("127.0.0.1", options(port), yes);
  expect(readFileSync(file, "utf8")).not.toBe(before);
});

it("for scripts: pins the key of the given fingerprint without asking, and no other", async () => {
  const port = await sshServer([newKey("ed25519"), newKey("rsa")]);
  const [ed] = await scanHostKeys("127.0.0.1", port);
  if (!ed) throw new Error("no key");
  await trust("127.0.0.1", options(port, { fingerprint: [fingerprint(ed)] }), never);
  const text = readFileSync(file, "utf8");
  expect(text).toContain(ed.base64);
  expect(text).not.toContain("ssh-rsa");
  const wrong = trust("127.0.0.1", options(port, { fingerprint: ["SHA256:other"] }), never);
  await expect(wrong).rejects.toMatchObject({ exitCode: exitCodes.refused });
});

it("says so when nothing answers, when the host is no host, and when the file is not YAML", async () => {
  await expect(trust("127.0.0.1", options(9), yes)).rejects.toThrow(/127\.0\.0\.1:9: .*refused/i);
  await expect(trust("-oProxyCommand=x", options(22), yes)).rejects.toThrow(/wanted a host name/);
  writeFileSync(file, "config: [unclosed");
  await expect(trust("127.0.0.1", options(9), yes)).rejects.toThrow(/not YAML/);
});

describe("a file that lists hosts", () => {
  const hostsFile = (more = "") =>
    writeFileSync(file, `config:\n  racksmith:hosts:\n    - name: gpu-1\n      address: 10.0.0.1\n${more}`);

  it("gets no host by a mistake in the address: refused before anything connects", async () => {
    hostsFile("      jump: { address: 127.0.0.9, port: 2222 }\n");
    const before = readFileSync(file, "utf8");
    const refused = trust("127.0.0.1", options(9), never);
    await expect(refused).rejects.toMatchObject({ exitCode: exitCodes.refused });
    await expect(refused).rejects.toThrow(
      /does not list it; nothing was pinned\. Listed: jump of gpu-1 at 127\.0\.0\.9:2222, gpu-1 at 10\.0\.0\.1:22\./,
    );
    await expect(trust("127.0.0.1", options(9, { name: "gpu-1" }), never)).rejects.toThrow(/other address/);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  it("gets one under a new name that is given", async () => {
    const port = await sshServer([newKey("ed25519")]);
    hostsFile();
    await trust("127.0.0.1", options(port, { name: "gpu-2" }), yes);
    expect(readFileSync(file, "utf8")).toMatch(/name: gpu-1(.|\n)*name: gpu-2\n {6}address: 127\.0\.0\.1/);
  });

  it("a jump is pinned wherever it stands, as a map, in a list and by alias, and is no host", async () => {
    const port = await sshServer([newKey("ed25519")]);
    const jump = `{ address: 127.0.0.1, port: ${port} }`;
    hostsFile(
      `      jump: &bastion ${jump}\n    - name: gpu-2\n      address: 10.0.0.2\n      jump: *bastion\n` +
        `    - name: gpu-3\n      address: 10.0.0.3\n      jump:\n        - ${jump}\n`,
    );
    await trust("127.0.0.1", options(port), yes);
    const { config } = parse(readFileSync(file, "utf8"));
    const hosts: { jump: unknown }[] = config["racksmith:hosts"];
    const pinned = { address: "127.0.0.1", port, hostKeys: [expect.stringMatching(/^ssh-ed25519 /)] };
    expect(hosts.map((host) => host.jump)).toEqual([pinned, pinned, [pinned]]);
    await trust("127.0.0.1", options(port), never);
    expect(said).toContain("pinned already");
  });

  it("a jump pinned for one host is pinned for another without asking again; CHANGED stays CHANGED", async () => {
    const port = await sshServer([newKey("ed25519")]);
    const jump = `      jump: { address: 127.0.0.1, port: ${port} }\n`;
    hostsFile(jump);
    await trust("127.0.0.1", options(port), yes);
    writeFileSync(file, `${readFileSync(file, "utf8")}    - name: gpu-2\n      address: 10.0.0.2\n${jump}`);
    await trust("127.0.0.1", options(port), never);
    expect(readFileSync(file, "utf8").match(/ssh-ed25519 /g)).toHaveLength(2);
    closeServers();
    await sshServer([newKey("ed25519")], port);
    await expect(trust("127.0.0.1", options(port), no)).rejects.toMatchObject({
      exitCode: exitCodes.refused,
    });
    expect(said).toContain("THE HOST KEY HAS CHANGED");
  });
});
