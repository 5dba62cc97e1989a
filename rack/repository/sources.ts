import { cached } from "../cache.ts";
import type { Progress } from "../errors.ts";
import type { BaseImage } from "../image/build.ts";
import { TRIXIE } from "../image/recipe.ts";
import { buildNvidiaPackages, nvidiaRecipe } from "../nvidia/build.ts";
import { downloadedPackages } from "./download.ts";
import { PACKAGE_SETS } from "./packages.ts";
import { sm4Package } from "./sm4.ts";

/** The folders of .deb files that the rack's repository is made of, each built when the cache lacks it. */
export async function packageFolders(image: BaseImage, tell: Progress): Promise<string[]> {
  return [
    await downloadedPackages(image, TRIXIE.suite, PACKAGE_SETS, tell),
    await sm4Package(TRIXIE.suite, image.kernelRelease, tell),
    await nvidiaPackages(tell),
  ];
}

function nvidiaPackages(tell: Progress): Promise<string> {
  return cached(
    {
      kind: "nvidia",
      recipe: nvidiaRecipe("debian13"),
      title: "simulated NVIDIA packages",
      build: async (into) => {
        await buildNvidiaPackages("debian13", into, tell);
      },
    },
    tell,
  );
}
