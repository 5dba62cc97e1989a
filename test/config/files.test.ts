import { describe, expect, it } from "vitest";
import { filesConfig } from "../../config/files.ts";
import { files } from "../../provider/resources/files.ts";

const problems = (file: Record<string, unknown>) => {
  const parsed = files.inputs.safeParse({
    name: "test",
    files: [{ path: "/etc/x.conf", content: "", ...file }],
  });
  return parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join("/")}: ${issue.message}`);
};

describe("a file's path", () => {
  it.each([
    "/etc/x.conf",
    "/etc/systemd/system/x@.service",
    "/opt/racksmith/a/b-c_d.txt",
    "/srv/racksmith/notes",
  ])("%s is taken", (path) => expect(problems({ path })).toEqual([]));
  it.each([
    "relative",
    "/etc/../root/x",
    "/etc/./x",
    "/etc//x",
    "/etc/",
    "/root/.ssh/authorized_keys",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/sudoers.d/me",
    "/etc/ssh/sshd_config",
    "/etc/fstab",
    "/etc/racksmith/gateway/keys.map",
    "/etc/systemd/system/racksmith-gateway.service",
    "/srv/racksmith/vault/weights/current",
    "/etc/a b",
    "/etc/$(id)",
    "/etc/x\ny",
    "/etc/x\0",
    `/etc/${"x".repeat(600)}`,
    "",
  ])("%j is refused", (path) => expect(problems({ path }).join()).toContain("files/0/path"));
});

it.each([
  [{ mode: "4755" }, "mode"],
  [{ mode: "0666" }, "mode"],
  [{ mode: "rw" }, "mode"],
  [{ owner: "a b" }, "owner"],
  [{ group: "-r" }, "group"],
  [{ content: "a\0b" }, "content"],
  [{ content: "x".repeat(300_000) }, "content"],
  [{ onChange: [{ kind: "reload", unit: "a.service; id" }] }, "onChange"],
  [{ onChange: [{ kind: "reload", unit: "-x.service" }] }, "onChange"],
  [{ onChange: [{ kind: "signal", container: "$(id)", signal: "HUP" }] }, "onChange"],
  [{ onChange: [{ kind: "signal", container: "a", signal: "KILL" }] }, "onChange"],
  [{ onChange: [{ kind: "run", command: "id" }] }, "onChange"],
])("%j is refused by its path", (file, path) => expect(problems(file).join()).toContain(`files/0/${path}`));

it("names a path given twice, and a file without content", () => {
  const twice = [
    { path: "/etc/x", content: "" },
    { path: "/etc/x", content: "" },
  ];
  expect(filesConfig.safeParse(twice).error?.issues[0]?.message).toContain("twice");
  expect(filesConfig.safeParse([{ path: "/etc/x" }]).error?.issues[0]?.message).toContain(
    "either content or secretContent",
  );
  const wanted = files.inputs.parse({ name: "test", files: [{ path: "/etc/x" }] });
  expect(files.refuse?.(wanted, { files: [], stale: [], pending: [] })[0]?.path).toBe("/etc/x");
});
