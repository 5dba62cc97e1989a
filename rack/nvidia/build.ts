/** Builds the simulated NVIDIA packages into a folder. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pLimit from "p-limit";
import type { Distribution } from "../../tiers/drivers/packages.ts";
import type { Progress } from "../errors.ts";
import { buildDeb, type DebSpec } from "./deb.ts";
import { debSpecs } from "./packages.ts";

/** dpkg-deb is one short process a package; more at once only queue for the cores. */
const AT_ONCE = 4;

/** Everything the packages' content depends on: use it (hashed) as the key of what `buildNvidiaPackages` made. */
export function nvidiaRecipe(distribution: Distribution): readonly DebSpec[] {
  return debSpecs(distribution);
}

/** Writes every .deb into `outDir` (made if missing) and returns their paths. Takes a few seconds. */
export async function buildNvidiaPackages(
  distribution: Distribution,
  outDir: string,
  tell: Progress,
): Promise<string[]> {
  const specs = debSpecs(distribution);
  tell(`simulated NVIDIA packages for ${distribution}: building ${specs.length}`);
  mkdirSync(outDir, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "racksmith-nvidia-"));
  try {
    const limit = pLimit(AT_ONCE);
    return await Promise.all(specs.map((spec) => limit(() => buildDeb(spec, work, outDir))));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
