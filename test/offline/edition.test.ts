import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { installEdition } from "../conformance/edition.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "racksmith-edition-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const home = () => join(folder, "home");
const users = () => join(folder, "users");
const command = "plugins/resource-command-v1.2.1/pulumi-resource-command";

test("official plugins that are absent are named, with where was looked and how to get them", async () => {
  await mkdir(join(users(), "plugins/resource-command-v1.2.1"), { recursive: true });
  await writeFile(join(users(), command), "");
  const install = installEdition(home(), "official", users());
  await expect(install).rejects.toThrow(/absent: docker 5\.2\.0; looked in .*users\/plugins/);
  await expect(install).rejects.toThrow("pulumi plugin install resource docker 5.2.0");
  await expect(install).rejects.not.toThrow("command 1.2.1");
});

test("an offline edition in the user's home does not pass for the official one", async () => {
  await installEdition(users(), "offline");
  await expect(installEdition(home(), "official", users())).rejects.toThrow(
    /absent: command 1\.2\.1 and docker/,
  );
});

test("the official ones are those of the user's home", async () => {
  for (const name of ["command-v1.2.1", "docker-v5.2.0"]) {
    const plugin = join(users(), `plugins/resource-${name}`);
    await mkdir(plugin, { recursive: true });
    await writeFile(join(plugin, `pulumi-resource-${name.split("-")[0]}`), "");
  }
  await installEdition(home(), "official", users());
  expect(await readFile(join(home(), command), "utf8")).toContain(join(users(), command));
});
