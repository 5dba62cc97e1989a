import { describe, expect, test } from "vitest";
import { knownKeys, sshTarget } from "../../offline/plugins/docker/ssh-options.ts";

describe("the docker plugin's ssh options", () => {
  test("the argv that racksmith writes", () => {
    const target = sshTarget("ssh://ops@10.0.0.7:2222", [
      "-i",
      "/keys/id",
      "-o",
      "UserKnownHostsFile=/run/known",
      "-o",
      "StrictHostKeyChecking=yes",
      "-oBatchMode=yes",
      "-o",
      "ConnectTimeout=7",
      "-o",
      "ProxyCommand=ssh -i /keys/id -p 22 -W %h:%p jump@10.0.0.1",
    ]);
    expect(target).toEqual({
      address: "10.0.0.7",
      port: 2222,
      user: "ops",
      identityFile: "/keys/id",
      knownHostsFile: "/run/known",
      connectTimeoutSeconds: 7,
      proxyCommand: "ssh -i /keys/id -p 22 -W %h:%p jump@10.0.0.1",
    });
  });

  test("an IPv6 address loses its brackets", () => {
    expect(sshTarget("ssh://root@[fd00::7]:22", []).address).toBe("fd00::7");
  });

  test.each(["StrictHostKeyChecking=no", "stricthostkeychecking=accept-new"])("refuses -o %s", (option) => {
    expect(() => sshTarget("ssh://a@b", ["-o", option])).toThrow(/is refused; pin the host's key/);
  });

  test("refuses what it does not understand instead of ignoring it", () => {
    expect(() => sshTarget("ssh://a@b", ["-F", "/etc/ssh_config"])).toThrow(/-F is not understood/);
    expect(() => sshTarget("ssh://a@b", ["-o", "ProxyJump=c"])).toThrow(/proxyjump is not understood/);
    expect(() => sshTarget("tcp://a:2375", [])).toThrow(/only ssh:\/\/ and unix:\/\//);
  });

  test("known keys are those of exactly that address and port", () => {
    const file =
      "# pinned\n10.0.0.7 ssh-ed25519 AAA\n[10.0.0.7]:2222 ssh-ed25519 BBB\n10.0.0.70 ssh-rsa CCC\n";
    expect(knownKeys(file, "10.0.0.7", 22)).toEqual(["ssh-ed25519 AAA"]);
    expect(knownKeys(file, "10.0.0.7", 2222)).toEqual(["ssh-ed25519 BBB"]);
    expect(knownKeys(file, "10.0.0.8", 22)).toEqual([]);
  });
});
