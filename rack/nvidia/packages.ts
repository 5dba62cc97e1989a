/** Every simulated package as data: NVIDIA's names and versions, this project's contents. */
import { type Distribution, packagesOf } from "../../tiers/drivers/packages.ts";
import { branchOf } from "../../tiers/drivers/version.ts";
import { COMMON, containerToolkitSpecs, cudaSpecs, cudnnSpecs, dcgmSpecs } from "./companions.ts";
import type { DebSpec } from "./deb.ts";
import { library, program, serviceScripts, unit, versionFile } from "./payload.ts";
import * as versions from "./versions.ts";

/** All packages for one distribution. */
export function debSpecs(distribution: Distribution): DebSpec[] {
  return [
    common(),
    ...versions.DRIVERS.flatMap((driver) => driverSpecs(driver, distribution)),
    ...versions.CUDA_TOOLKITS.flatMap(cudaSpecs),
    ...cudnnSpecs(distribution),
    ...versions.CONTAINER_TOOLKITS.flatMap(containerToolkitSpecs),
    ...versions.DCGMS.flatMap(dcgmSpecs),
  ];
}

function common(): DebSpec {
  const { postinst, prerm } = serviceScripts(`${COMMON}.service`, false);
  return {
    name: COMMON,
    version: "1.0",
    architecture: "all",
    description: "GPUs of racksmith's virtual rack",
    depends: ["bash", "coreutils", "findutils", "sed"],
    files: {
      ...program("racksmith-sim", "/usr/sbin"),
      ...Object.assign({}, ...["gpu.sh", "query.sh", "table.sh", "modes.sh"].map(library)),
      ...unit(`${COMMON}.service`),
    },
    // Described at once, "loaded" only at the next boot.
    scripts: { postinst: `${postinst}racksmith-sim describe\n`, prerm },
  };
}

/** What a package of the driver carries, by its name. NVIDIA splits differently on each distribution. */
const ROLES: readonly [RegExp, (driver: string) => Partial<DebSpec>][] = [
  [/^nvidia-(kernel|dkms).*open|^nvidia-dkms.*-open$/, (driver) => moduleOf(driver, "open")],
  [/^nvidia-kernel-dkms|^nvidia-dkms/, (driver) => moduleOf(driver, "proprietary")],
  [
    /^(nvidia-smi|nvidia-utils(-\d+)?)$/,
    () => ({ description: "NVIDIA System Management Interface", files: program("nvidia-smi") }),
  ],
  [
    /^(libnvidia-ml1|libnvidia-compute(-\d+)?)$/,
    (driver) => ({
      description: "NVIDIA Management Library (NVML)",
      files: { ...versionFile("nvml", driver), ...versionFile("cuda", versions.cudaOfDriver(driver)) },
    }),
  ],
  [/^libcuda1$/, () => ({ description: "NVIDIA CUDA driver library" })],
  [
    /^(nvidia-persistenced|nvidia-compute-utils(-\d+)?)$/,
    (driver) => ({
      description: "NVIDIA persistence daemon",
      files: {
        ...program("nvidia-persistenced"),
        ...unit("nvidia-persistenced.service"),
        ...versionFile("persistenced", driver),
      },
      scripts: serviceScripts("nvidia-persistenced.service"),
    }),
  ],
  [
    /^nvidia-fabricmanager/,
    (driver) => ({
      description: "NVIDIA fabric manager for NVSwitch systems",
      files: {
        ...program("nv-fabricmanager"),
        ...unit("nvidia-fabricmanager.service"),
        ...versionFile("fabricmanager", driver),
        "/usr/share/nvidia/nvswitch/fabricmanager.cfg": { text: "# SIMULATED\nLOG_LEVEL=4\n" },
      },
      // NVIDIA's package leaves it disabled.
      scripts: { postrm: serviceScripts("nvidia-fabricmanager.service").postrm },
    }),
  ],
  [/^libnvidia-nscq/, () => ({ description: "NVSwitch configuration and query library" })],
];

function moduleOf(driver: string, kind: "open" | "proprietary"): Partial<DebSpec> {
  return {
    description: `NVIDIA kernel module, ${kind} flavour`,
    files: {
      ...versionFile("module", driver),
      [`/usr/src/nvidia-${driver}/dkms.conf`]: {
        text: `# SIMULATED, ${kind}\nPACKAGE_NAME="nvidia"\nPACKAGE_VERSION="${driver}"\n`,
      },
    },
    conflicts: ["nvidia-kernel-module"],
    provides: ["nvidia-kernel-module"],
  };
}

function roleOf(name: string, driver: string): Partial<DebSpec> {
  const role = ROLES.find(([pattern]) => pattern.test(name));
  if (role === undefined) throw new Error(`package ${name}: no simulated content known for it`);
  return role[1](driver);
}

function driverSpecs(driver: string, distribution: Distribution): DebSpec[] {
  const wanted = (modules: "open" | "proprietary") =>
    packagesOf({ driver, modules, fabricManager: true }, distribution);
  const named = new Map(
    [...wanted("open"), ...wanted("proprietary")].map((each) => [each.name, each.version]),
  );
  const debian = distribution.startsWith("debian");
  const version = named.get("libcuda1") ?? [...named.values()][0] ?? driver;
  if (debian) named.set("libnvidia-ml1", version);
  const metas = metaPackages(driver, version, named, debian);
  const real = [...named]
    .filter(([name]) => !metas.some((meta) => meta.name === name))
    .map(([name, own]): DebSpec => {
      const role = roleOf(name, driver);
      const library = debian
        ? "libnvidia-ml1"
        : [...named.keys()].find((key) => key.startsWith("libnvidia-compute"));
      const needsLibrary = /smi|utils|libcuda1/.test(name) && library !== undefined && library !== name;
      return {
        name,
        version: own,
        description: role.description ?? name,
        ...oneOfABranch(name),
        depends: [COMMON, ...(needsLibrary ? [`${library} (= ${version})`] : [])],
        ...role,
      };
    });
  return [...real, ...metas];
}

/** Packages of two branches hold the same files, so NVIDIA's exclude each other through a virtual name. */
function oneOfABranch(name: string): Pick<DebSpec, "conflicts" | "provides"> {
  const family = [`${name.replace(/-\d{3}/, "")}-any-branch`];
  return { conflicts: family, provides: family };
}

/** Packages without content of their own. */
function metaPackages(
  driver: string,
  version: string,
  named: ReadonlyMap<string, string>,
  debian: boolean,
): DebSpec[] {
  const exactly = (name: string): string => `${name} (= ${version})`;
  const moduleNames = [...named.keys()].filter((name) => /dkms/.test(name));
  const open = moduleNames.find((name) => name.includes("open")) ?? "";
  const proprietary = moduleNames.find((name) => !name.includes("open")) ?? "";
  const userland = debian
    ? ["nvidia-smi", "libcuda1", "libnvidia-ml1"].map(exactly)
    : [...named.keys()].filter((name) => /^(libnvidia-compute|nvidia-utils)/.test(name)).map(exactly);
  const meta = (name: string, description: string, depends: string[]): DebSpec => ({
    name,
    version,
    description,
    depends,
  });
  const suffix = debian || branchOf(driver) >= 590 ? "" : `-${branchOf(driver)}`;
  const all = debian ? [meta("nvidia-driver-cuda", "NVIDIA driver, compute part", userland)] : [];
  return [
    ...all,
    meta(`cuda-drivers${suffix}`, "NVIDIA driver, proprietary kernel module", [
      ...userland,
      exactly(proprietary),
    ]),
    meta(`nvidia-open${suffix}`, "NVIDIA driver, open kernel module", [...userland, exactly(open)]),
  ];
}
