import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configPath, sealSecrets } from "../../cli/stack/clear-secrets.ts";
import type { Stack } from "../../cli/stack/pulumi.ts";

test.each(["foo: 1\n", "config:\n  racksmith:vault: {key: [\n", ""])(
  "a file that is no configuration, %j, is left to the run, which says what is wrong with it",
  async (text) => {
    const folder = mkdtempSync(join(tmpdir(), "racksmith-clear-"));
    const configFile = join(folder, "Pulumi.lab.yaml");
    writeFileSync(configFile, text);
    const engine = { pulumi: "false", origin: "own", edition: "offline", env: {} } as const;
    const stack: Stack = { name: "lab", configFile, engine, env: {}, cwd: folder };
    await expect(sealSecrets(stack, true)).resolves.toBeUndefined();
    rmSync(folder, { recursive: true });
  },
);

test("paths are written as the engine reads them", () => {
  expect(configPath(["vault", "key"])).toBe("vault.key");
  expect(configPath(["hosts", 0, "privateKey"])).toBe("hosts[0].privateKey");
  expect(configPath(["inference", "apiKeys", 'a."b'])).toBe('inference.apiKeys["a.\\"b"]');
});
