import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backendUrl, passphraseFile } from "../../cli/engine/defaults.ts";
import { offlineMark } from "../../cli/engine/locate.ts";
import { chooseEdition } from "../../cli/engine/plugins.ts";
import { cacheDir, stateDir } from "../../cli/paths.ts";
import { capture } from "../../cli/process.ts";
import { exportLines } from "../../cli/verbs/env.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-env-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("export lines", () => {
  const hostile = [
    "$(touch /tmp/pwned)",
    "`id`",
    "it's",
    'a"b',
    "a\nb",
    "a b;c",
    "\\",
    "-n",
    "",
    "重 庆",
    "x".repeat(10_000),
  ];
  it.each(["sh", "bash"])("are read back by %s as what they were, whatever is in them", async (shell) => {
    const env = Object.fromEntries(hostile.map((value, i) => [`V${i}`, value]));
    const print = hostile.map((_, i) => `printf '%s\\0' "$V${i}"`).join("\n");
    const { stdout } = await capture(shell, ["-s"], { input: `${exportLines(env)}${print}\n` });
    expect(stdout.split("\0").slice(0, -1)).toEqual(hostile);
  });

  it("refuses a NUL, which no shell can hold", () => {
    expect(() => exportLines({ V: "a\0b" })).toThrow(/NUL/);
  });
});

describe("defaults", () => {
  it("the state is kept in files, unless the user has chosen a backend", () => {
    expect(backendUrl({}, folder, join(folder, "st#a te"))).toBe(
      `file://${join(folder, "st#a te", "pulumi")}`,
    );
    expect(backendUrl({ PULUMI_BACKEND_URL: "s3://x" }, folder, folder)).toBeUndefined();
    writeFileSync(join(folder, "credentials.json"), '{"current":"https://pulumi.example"}');
    expect(backendUrl({}, folder, folder)).toBeUndefined();
  });

  it("makes one passphrase, once, that only its owner reads", async () => {
    const files = await Promise.all([1, 2, 3, 4].map(() => passphraseFile({}, folder)));
    expect(new Set(files)).toEqual(new Set([join(folder, "passphrase")]));
    const file = files[0] ?? "";
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const passphrase = readFileSync(file, "utf8");
    expect(passphrase.trim().length).toBeGreaterThanOrEqual(43);
    await passphraseFile({}, folder);
    expect(readFileSync(file, "utf8")).toBe(passphrase);
  });

  it.each([{ PULUMI_CONFIG_PASSPHRASE: "" }, { PULUMI_CONFIG_PASSPHRASE_FILE: "/x" }])(
    "leaves the user's own passphrase alone: %o",
    async (env) => expect(await passphraseFile(env, folder)).toBeUndefined(),
  );

  it("caches and state follow RACKSMITH_*, then XDG, then the home directory", () => {
    expect(cacheDir({ RACKSMITH_CACHE: "/c", XDG_CACHE_HOME: "/x" })).toBe("/c");
    expect(cacheDir({ XDG_CACHE_HOME: "/x", HOME: "/h" })).toBe("/x/racksmith");
    expect(stateDir({ XDG_STATE_HOME: "relative", HOME: "/h" })).toBe("/h/.local/state/racksmith");
  });
});

describe("plugins", () => {
  const install = (name: string, version: string) => {
    const place = join(folder, "plugins", `resource-${name}-v${version}`);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, `pulumi-resource-${name}`), "");
  };
  it("are the official ones only when both are installed at the wanted versions", () => {
    expect(chooseEdition(folder, undefined)).toBe("offline");
    install("command", "1.2.1");
    install("docker", "4.9.0");
    expect(chooseEdition(folder, "")).toBe("offline");
    expect(() => chooseEdition(folder, "official")).toThrow(
      /docker 5\.2\.0 not installed in .*\n.*\n {2}pulumi plugin install/,
    );
    install("docker", "5.2.0");
    expect(chooseEdition(folder, undefined)).toBe("official");
    expect(chooseEdition(folder, "offline")).toBe("offline");
    writeFileSync(
      join(folder, "plugins", "resource-docker-v5.2.0", "pulumi-resource-docker"),
      `#!/bin/sh\n${offlineMark}\n`,
    );
    expect(chooseEdition(folder, undefined)).toBe("offline");
    expect(() => chooseEdition(folder, "mine")).toThrow(/found "mine"/);
  });
});
