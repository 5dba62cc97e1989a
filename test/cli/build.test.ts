import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ownGo } from "../../cli/engine/go.ts";
import { goRoot } from "../../cli/engine/go-toolchain.ts";
import { buildKey, type GoTool, goWanted, isAtLeast } from "../../cli/engine/versions.ts";
import { cacheDir } from "../../cli/paths.ts";
import { capture } from "../../cli/process.ts";
import { which } from "../../cli/which.ts";

const script = join(import.meta.dirname, "build-tools.ts");
// The machine's own Go, or the one that `setup` has brought: none is brought for a test.
const goEnv = await goAtLeast("1.22");
let folder: string;
let cache: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "racksmith cli'$(x)-"));
  cache = join(folder, "cache");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A Go module small enough to build in a second, built by the code that builds the engine. */
function tinyTool(name = "tiny", body = 'println("hello")'): GoTool {
  const moduleDir = join(folder, `module-${name}`);
  mkdirSync(moduleDir, { recursive: true });
  writeFileSync(join(moduleDir, "go.mod"), "module example.invalid/tiny\n\ngo 1.22\n");
  writeFileSync(join(moduleDir, "go.sum"), "");
  writeFileSync(join(moduleDir, "main.go"), `package main\n\nfunc main() { ${body} }\n`);
  return { name, moduleDir, package: "example.invalid/tiny", ldflags: "-s -w" };
}

async function goAtLeast(wanted: string): Promise<NodeJS.ProcessEnv | undefined> {
  const brought = join(goRoot(cacheDir()) ?? "/nowhere", "bin");
  for (const PATH of [process.env.PATH, `${brought}:${process.env.PATH}`]) {
    const env = { ...process.env, PATH };
    if (await ownGo(wanted, env)) return env;
  }
  return undefined;
}

function build(tool: GoTool, env: Record<string, string> = {}) {
  return capture(process.execPath, [script, cache], {
    input: JSON.stringify([tool]),
    env: { ...goEnv, ...env },
  });
}

const engineFolder = () => join(cache, "engine");
const leftovers = () =>
  existsSync(engineFolder()) ? readdirSync(engineFolder()).filter((it) => it.startsWith(".new.")) : [];

describe.skipIf(!goEnv)("building the engine", () => {
  it("builds into a folder named by content, and finds it there the second time", async () => {
    const tool = tinyTool();
    const first = await build(tool);
    expect(first.stderr).toContain("✓ building tiny");
    expect(first.stdout.trim()).toBe(join(engineFolder(), buildKey([tool]), "bin"));
    expect((await capture(join(first.stdout.trim(), "tiny"), [])).stderr).toBe("hello\n");
    const second = await build(tool);
    expect(second).toMatchObject({ status: 0, stderr: "", stdout: first.stdout });
  }, 60_000);

  it("two at once do not collide: one builds, the other waits and uses it", async () => {
    const tool = tinyTool();
    const both = await Promise.all([build(tool), build(tool)]);
    expect(both.map((it) => it.status)).toEqual([0, 0]);
    expect(both[0]?.stdout).toBe(both[1]?.stdout);
    const said = both.map((it) => it.stderr).join("");
    expect(said.match(/✓ building tiny/g)).toHaveLength(1);
    expect(leftovers()).toEqual([]);
  }, 60_000);

  it("kill -9 in the middle leaves no engine, and the next run builds it and sweeps", async () => {
    const tool = tinyTool();
    // A go that never ends its build, so that the kill surely hits the middle of it.
    const slow = join(folder, "slow");
    mkdirSync(slow);
    const go = which("go", goEnv?.PATH);
    writeFileSync(
      join(slow, "go"),
      `#!/bin/sh\nif [ "$1" = build ]; then echo started >&2; exec sleep 60; fi\nexec "${go}" "$@"\n`,
      { mode: 0o755 },
    );
    const child = spawn(process.execPath, [script, cache], {
      env: { ...goEnv, PATH: `${slow}:${goEnv?.PATH}` },
      stdio: ["pipe", "ignore", "pipe"],
      detached: true,
    });
    child.stdin.end(JSON.stringify([tool]));
    await expect.poll(leftovers, { timeout: 10_000 }).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const ended = new Promise((resolve) => child.on("close", resolve));
    if (child.pid) process.kill(-child.pid, "SIGKILL");
    await ended;
    expect(existsSync(join(engineFolder(), buildKey([tool])))).toBe(false);

    const next = await build(tool);
    expect(next.status).toBe(0);
    expect(next.stderr).toContain("removed what an interrupted build had left");
    expect(existsSync(join(next.stdout.trim(), "tiny"))).toBe(true);
    expect(leftovers()).toEqual([]);
  }, 60_000);

  it("a build that fails leaves nothing and shows the compiler's words", async () => {
    const result = await build(tinyTool("tiny", "nonsense()"));
    expect(result.status).toBe(1);
    expect(result.stderr).toContain("undefined: nonsense");
    expect(readdirSync(engineFolder())).toEqual([]);
  }, 60_000);

  it("without a network, says where modules come from", async () => {
    const tool = tinyTool();
    writeFileSync(
      join(tool.moduleDir, "go.mod"),
      "module example.invalid/tiny\n\ngo 1.22\n\nrequire example.invalid/dep v1.0.0\n",
    );
    writeFileSync(
      join(tool.moduleDir, "go.sum"),
      "example.invalid/dep v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nexample.invalid/dep v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    );
    writeFileSync(
      join(tool.moduleDir, "main.go"),
      'package main\n\nimport _ "example.invalid/dep"\n\nfunc main() {}\n',
    );
    const result = await build(tool, {
      GOPROXY: "http://127.0.0.1:9",
      GONOSUMDB: "*",
      GOMODCACHE: join(folder, "mod"),
    });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain("Point GOPROXY");
    expect(readdirSync(engineFolder())).toEqual([]);
  }, 60_000);
});

describe("what is built", () => {
  it("changes its key with go.sum, go.mod and flags", () => {
    const tool = tinyTool();
    const key = buildKey([tool]);
    expect(buildKey([{ ...tool, ldflags: "" }])).not.toBe(key);
    writeFileSync(join(tool.moduleDir, "go.sum"), "x");
    expect(buildKey([tool])).not.toBe(key);
    expect(readFileSync(join(tool.moduleDir, "go.mod"), "utf8")).toContain("go 1.22");
    expect(goWanted([tool])).toBe("1.22");
  });

  it.each([
    ["1.25.11", "1.25.11", true],
    ["1.26.0", "1.25.11", true],
    ["1.25", "1.25.11", false],
    ["3.255.0-alpha.1", "3.200.0", true],
    ["v3.99.0", "3.200.0", false],
    ["1.3rc1", "1.3", true],
  ])("version %s at least %s: %s", (found, wanted, expected) => {
    expect(isAtLeast(found, wanted)).toBe(expected);
  });
});
