import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";

/** Points the rack's state and cache at a folder of this test file's own. */
export function temporaryState(): void {
  const before = { state: process.env.RACKSMITH_STATE, cache: process.env.RACKSMITH_CACHE };
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "racksmith-rack-test-"));
    process.env.RACKSMITH_STATE = join(folder, "state");
    process.env.RACKSMITH_CACHE = join(folder, "cache");
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    restore("RACKSMITH_STATE", before.state);
    restore("RACKSMITH_CACHE", before.cache);
  });
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
