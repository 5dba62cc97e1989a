/** Packages that come with a driver and have versions of their own: CUDA, cuDNN, the container toolkit, DCGM. */
import { type Distribution, packagesOf } from "../../tiers/drivers/packages.ts";
import type { DebSpec } from "./deb.ts";
import { program, serviceScripts, unit, versionFile } from "./payload.ts";
import * as versions from "./versions.ts";

/** What all of them stand on. Not a name of NVIDIA's. */
export const COMMON = "racksmith-sim-gpu";

export function cudaSpecs(cuda: string): DebSpec[] {
  const [major = "", minor = ""] = cuda.split(".");
  const line = `${major}-${minor}`;
  const home = `/usr/local/cuda-${major}.${minor}`;
  const nvcc = versions.nvccOfToolkit(cuda);
  return [
    {
      name: `cuda-toolkit-${line}`,
      version: `${cuda}-1`,
      description: `CUDA toolkit ${cuda}`,
      depends: [`cuda-nvcc-${line} (= ${nvcc}-1)`],
      files: {
        [`${home}/version.json`]: {
          text: `{\n   "cuda" : {\n      "name" : "CUDA SDK (SIMULATED)",\n      "version" : "${cuda}"\n   }\n}\n`,
        },
      },
      scripts: {
        postinst: `update-alternatives --install /usr/local/cuda cuda ${home} ${major}${minor}\n`,
        prerm: `if [ "$1" = remove ]; then update-alternatives --remove cuda ${home}; fi\n`,
      },
    },
    {
      name: `cuda-nvcc-${line}`,
      version: `${nvcc}-1`,
      description: `CUDA compiler ${nvcc}`,
      files: { ...program("nvcc", `${home}/bin`), [`${home}/nvcc.version`]: { text: `${nvcc}\n` } },
    },
  ];
}

export function cudnnSpecs(distribution: Distribution): DebSpec[] {
  const named = versions.CUDNNS.flatMap(({ cudnn, cuda }) => {
    const stack = { driver: versions.DRIVERS[0] ?? "", modules: "open" as const };
    const without = new Set(packagesOf({ ...stack, cuda }, distribution).map(({ name }) => name));
    return packagesOf({ ...stack, cuda, cudnn }, distribution).filter(({ name }) => !without.has(name));
  });
  const unique = new Map(named.map((each) => [`${each.name}=${each.version}`, each]));
  return [...unique.values()].map((each) => ({ ...each, description: "cuDNN run-time library" }));
}

export function containerToolkitSpecs(toolkit: string): DebSpec[] {
  const version = `${toolkit}-1`;
  const exactly = (name: string): string => `${name} (= ${version})`;
  const plain = (name: string, description: string, more: Partial<DebSpec> = {}): DebSpec => ({
    name,
    version,
    description,
    ...more,
  });
  return [
    plain("nvidia-container-toolkit", "NVIDIA container toolkit", {
      depends: ["nvidia-container-toolkit-base", "libnvidia-container-tools"].map(exactly),
    }),
    plain("nvidia-container-toolkit-base", "NVIDIA container toolkit, nvidia-ctk", {
      depends: [COMMON],
      files: {
        ...program("nvidia-ctk"),
        ...program("nvidia-container-runtime"),
        ...unit("nvidia-cdi-refresh.service"),
        ...versionFile("container-toolkit", toolkit),
      },
      scripts: serviceScripts("nvidia-cdi-refresh.service"),
    }),
    plain("libnvidia-container-tools", "NVIDIA container tools", {
      depends: [exactly("libnvidia-container1")],
    }),
    plain("libnvidia-container1", "NVIDIA container library"),
  ];
}

export function dcgmSpecs(dcgm: string): DebSpec[] {
  const version = `1:${dcgm}-1`;
  const plugins = ["11", "12", "13"].map((major) => ({
    name: `datacenter-gpu-manager-4-cuda${major}`,
    version,
    description: `DCGM plug-ins for CUDA ${major}`,
    depends: [`datacenter-gpu-manager-4-core (= ${version})`],
  }));
  return [
    {
      name: "datacenter-gpu-manager-4-core",
      version,
      description: "NVIDIA Data Center GPU Manager (DCGM)",
      depends: [COMMON],
      files: {
        ...program("dcgmi"),
        ...program("nv-hostengine"),
        ...unit("nvidia-dcgm.service"),
        ...versionFile("dcgm", dcgm),
      },
      // NVIDIA's package leaves it disabled.
      scripts: { postrm: serviceScripts("nvidia-dcgm.service").postrm },
    },
    ...plugins,
  ];
}
