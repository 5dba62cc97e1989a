import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runChecks } from "../../cli/doctor.ts";
import { table } from "../../cli/verbs/doctor.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-doctor-"));
  mkdirSync(join(folder, "bin"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const env = () => ({
  HOME: folder,
  PATH: join(folder, "bin"),
  RACKSMITH_CACHE: join(folder, "cache"),
  RACKSMITH_STATE: join(folder, "state"),
});

function pulumi(says: string): void {
  const file = join(folder, "bin", "pulumi");
  writeFileSync(file, `#!/bin/sh\n${says}\n`);
  chmodSync(file, 0o755);
}

const find = async (name: string, more = {}) =>
  (await runChecks({ ...env(), ...more })).find((it) => it.name === name);

it("without Pulumi: says that it will be built, and that this is no fault", async () => {
  expect(await find("pulumi")).toMatchObject({ state: "optional", found: "none on PATH; not built yet" });
});

it.each([
  ["echo v3.100.0", /not used: older than 3\.200\.0/],
  ["echo v3.255.0", /not used: pulumi-language-nodejs is neither beside it nor on PATH/],
  ["exit 1", /not used: `pulumi version` fails/],
])("a pulumi that says `%s` is told why it is not used", async (says, why) => {
  pulumi(says);
  expect(await find("pulumi")).toMatchObject({ state: "optional", found: expect.stringMatching(why) });
});

it("uses a recent pulumi with its Node language host", async () => {
  pulumi("echo v3.255.0");
  writeFileSync(join(folder, "bin", "pulumi-language-nodejs"), "", { mode: 0o755 });
  expect(await find("pulumi")).toMatchObject({
    state: "ok",
    found: expect.stringContaining("3.255.0 (your own"),
  });
});

it("official plugins are needed only when they were asked for", async () => {
  expect(await find("official plugins")).toMatchObject({ state: "optional" });
  expect(await find("official plugins", { RACKSMITH_PLUGINS: "official" })).toMatchObject({
    state: "missing",
  });
});

it("ssh is needed for the official plugins, and told where it is", async () => {
  const absent = { name: "ssh", found: "none on PATH", remedy: "apt-get install openssh-client" };
  expect(await find("ssh")).toMatchObject({ ...absent, state: "optional" });
  expect(await find("ssh", { RACKSMITH_PLUGINS: "official" })).toMatchObject({ ...absent, state: "missing" });
  const file = join(folder, "bin", "ssh");
  writeFileSync(file, "", { mode: 0o755 });
  expect(await find("ssh", { RACKSMITH_PLUGINS: "official" })).toMatchObject({ state: "ok", found: file });
});

it("a state folder that cannot be written is missing, and says what to set", async () => {
  const state = await find("state", { RACKSMITH_STATE: "/proc/nowhere" });
  expect(state).toMatchObject({ state: "missing", remedy: expect.stringContaining("RACKSMITH_STATE") });
});

it("prints a line a check, and for what is not there why it matters and what to do", async () => {
  const text = stripVTControlCharacters(table(await runChecks(env())));
  expect(text).toMatch(/^✓ node +v\d+/);
  expect(text).toMatch(/○ pulumi +none on PATH.*\n +why: it runs the program.*\n +do: +\.\/racksmith setup/);
  expect(text).toMatch(/\n\n(Nothing that is needed is missing|\d+ needed and missing)/);
});
