// What the rack wrote in the clear, encrypted by the real engine.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { stringify } from "yaml";
import { prepareEngine } from "../../cli/engine/prepare.ts";
import { sealSecrets } from "../../cli/stack/clear-secrets.ts";
import { ask, openStack, readyStack } from "../../cli/stack/pulumi.ts";

const folder = mkdtempSync(join(tmpdir(), "racksmith-clear-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("a secret in the clear is encrypted in its place, byte for byte, and nothing else changes", async () => {
  const hostile = `canary $(id) 'q' "d" \\n\n%s {{ .x }} 密🔑\n\n`;
  mkdirSync(join(folder, "stacks"));
  writeFileSync(join(folder, "Pulumi.yaml"), "name: racksmith\nruntime: nodejs\n");
  const file = join(folder, "stacks", "lab.yaml");
  const config = {
    "racksmith:tier": "entry-4090",
    "racksmith:vault": { key: "canary-vault", unlock: "tpm2" },
    "racksmith:inference": { apiKeys: { "odd.name": "canary-api" }, servedName: "m" },
    "racksmith:hooks": { postDeploy: [{ where: "node", run: "true", environment: { TOKEN: hostile } }] },
  };
  writeFileSync(file, stringify({ config }));
  const engine = await prepareEngine({
    ...process.env,
    RACKSMITH_STATE: join(folder, "state"),
    PULUMI_BACKEND_URL: "",
  });
  const stack = openStack("lab", engine, file, folder);
  await readyStack(stack);
  await sealSecrets(stack, true);

  expect(readFileSync(file, "utf8")).not.toContain("canary");
  const section = async (name: string) => {
    const said = await ask(stack, ["config", "get", `racksmith:${name}`, "--json", "--config-file", file]);
    return JSON.parse(said).objectValue;
  };
  expect(await section("vault")).toEqual(config["racksmith:vault"]);
  expect(await section("inference")).toEqual(config["racksmith:inference"]);
  expect(await section("hooks")).toEqual(config["racksmith:hooks"]);
});
