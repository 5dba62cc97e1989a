import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { sudoers } from "../../provider/resources/access/sudoers.ts";
import { access } from "../../provider/resources/access.ts";

const key = `ssh-ed25519 ${"A".repeat(68)} person@desk`;
const given = {
  connectionUser: "deploy",
  engineUnits: ["racksmith-inference-main.service"],
  nodeUnits: ["racksmith-gateway.service", "docker.service"],
  members: [{ user: "wang", role: "auditor" as const, sshKeys: [key] }],
};
const problems = (change: Record<string, unknown>) => {
  const parsed = access.inputs.safeParse({ ...given, ...change });
  return parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join("/")}: ${issue.message}`);
};
const rules = sudoers({ engine: given.engineUnits, node: given.nodeUnits });

describe("sudo rules", () => {
  it("are what visudo takes", () => {
    const check = spawnSync("visudo", ["-cf", "-"], { input: rules, encoding: "utf8" });
    if (check.error === undefined) expect(check.stderr + check.stdout).toContain("parsed OK");
    const none = spawnSync("visudo", ["-cf", "-"], {
      input: sudoers({ engine: [], node: [] }),
      encoding: "utf8",
    });
    if (none.error === undefined) expect(none.stderr + none.stdout).toContain("parsed OK");
  });
  it("have no wildcard, no denial, no pager, no editor", () => {
    const commands = rules.split("\n").filter((line) => line.startsWith("  /"));
    expect(commands.length).toBeGreaterThan(20);
    for (const line of commands) {
      expect(line).not.toMatch(/[*?[\]!]/);
      if (line.includes("journalctl") || line.includes("status")) expect(line).toContain("--no-pager");
    }
  });
  it("let an auditor change nothing", () => {
    const auditor = rules.slice(rules.indexOf("RACKSMITH_AUDITOR"), rules.indexOf("%racksmith-auditor"));
    expect(auditor).not.toMatch(/start|stop|reload|reboot/);
  });
  it("are as recorded", () => expect(rules).toMatchSnapshot());
});

describe("refused", () => {
  it("a role for the connection's own user", () => {
    const wanted = access.inputs.parse({ ...given, connectionUser: "wang" });
    const facts = access.facts.parse({
      groups: {},
      users: [],
      keys: [],
      sudoersSha256: "",
      sudoersMode: "",
      sudoInstalled: true,
      directories: {},
    });
    expect(access.refuse?.(wanted, facts)).toMatchObject([{ path: "members/wang" }]);
  });
  it.each([
    [{ members: [{ user: "root", role: "auditor" }] }, "members/0/user"],
    [{ members: [{ user: "a b", role: "auditor" }] }, "members/0/user"],
    [{ members: [{ user: "-rf", role: "auditor" }] }, "members/0/user"],
    [{ members: [{ user: "$(id)", role: "auditor" }] }, "members/0/user"],
    [{ members: [{ user: "li", role: "boss" }] }, "members/0/role"],
    [
      { members: [{ user: "li", role: "auditor", sshKeys: [`${key}\nssh-rsa AAAA`] }] },
      "members/0/sshKeys/0",
    ],
    [{ members: [{ user: "li", role: "auditor", sshKeys: [`command="sh" ${key}`] }] }, "members/0/sshKeys/0"],
    [
      {
        members: [
          { user: "li", role: "auditor" },
          { user: "li", role: "engineer" },
        ],
      },
      "members: names a user twice",
    ],
    [{ engineUnits: ["x.service, ALL"] }, "engineUnits/0"],
    [{ engineUnits: ["*.service"] }, "engineUnits/0"],
    [{ auditPath: "/var/log/../../etc" }, "auditPath"],
    [{ auditPath: "/" }, "auditPath"],
    [{ vaultPath: "/root/x" }, "vaultPath"],
  ])("%j", (change, path) => expect(problems(change).join()).toContain(path));
});
