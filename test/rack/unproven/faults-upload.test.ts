// A model on its way to a node, and a provider that is killed meanwhile.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { resetNode } from "../../../rack/index.ts";
import { BARE, bareNode } from "../support/bare.ts";
import { ensureNoun, inputsOf, nodeConfig, startNoun } from "../support/nouns.ts";
import { asRoot, writeModel } from "../support/storage.ts";

const MINUTES = 60_000;
const folder = mkdtempSync(join(tmpdir(), "racksmith-model-"));

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await resetNode(BARE, () => undefined);
}, 2 * MINUTES);

it("kill -9 of the provider during the upload: the next up sends only the rest", {
  timeout: 15 * MINUTES,
}, async () => {
  const node = await bareNode();
  const config = nodeConfig(BARE);
  const inputs = inputsOf(config);
  await ensureNoun("raid", inputs.raid, config.connection);
  await ensureNoun("vault", inputs.vault, config.connection);
  writeModel(folder, 32);
  const wanted = await inputs.weights(folder, "v1");
  const run = startNoun("weights", wanted, config.connection);
  // Far enough that something has arrived; said about once a second, at whatever rate.
  await run.says(/ ([5-9]|[12]\d)\.\d of 32\.0 MiB/);
  run.child.kill("SIGKILL");
  await run.ended;
  const largest = "stat -c '%s %i' /srv/racksmith/vault/incoming/weights-* | sort -n | tail -n 1";
  const [size, inode] = (await asRoot(node, largest)).split(" ");
  expect(Number(size)).toBeGreaterThan(100);
  const next = startNoun("weights", wanted, config.connection);
  await next.says(/verifying 3 files/);
  expect(await asRoot(node, `find /srv/racksmith/vault -inum ${inode} -size +31M`)).not.toBe("");
  const { code, output } = await next.ended;
  expect(code, output).toBe(0);
});
