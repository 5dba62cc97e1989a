import { z } from "zod";
import { DEFAULT_DRIVER_SET, DRIVER_SET_NAMES, driverSet } from "../tiers/drivers/sets.ts";
import { httpUrl } from "./common.ts";

const version = (parts: RegExp, example: string) =>
  z.string().max(32).regex(parts, `must be an exact version such as ${example}`);

export const driverVersion = version(/^\d{3}\.\d{1,3}(\.\d{1,3})?$/, "580.173.02");
export const cudaVersion = version(/^\d{2}\.\d{1,2}(\.\d{1,2})?$/, "13.0.2");
const cudnnVersion = version(/^\d{1,2}\.\d{1,2}\.\d{1,2}\.\d{1,4}$/, "9.20.0.48");
const dcgmVersion = version(/^\d{1,2}\.\d{1,2}\.\d{1,2}$/, "4.6.1");

const repository = z.strictObject({
  url: z
    .string()
    .max(2048)
    .refine(
      (url) => httpUrl.safeParse(url.replaceAll("{distribution}", "d")).success,
      "must be an http or https URL",
    )
    .describe("apt repository; {distribution} stands for NVIDIA's name of the system: debian13, ubuntu2404"),
  suite: z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$|^\/$/, "must be a suite such as trixie, or / for a flat repository")
    .default("/")
    .describe("suite, such as trixie; / is a flat repository, as NVIDIA's are"),
  components: z
    .array(
      z
        .string()
        .max(64)
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
    )
    .max(8)
    .default([])
    .describe("components; none for a flat repository"),
  signedBy: z
    .string()
    .max(256)
    .regex(/^\/[A-Za-z0-9._/-]+\.(gpg|asc|pgp)$/, "must be the absolute path of a keyring on the host")
    .optional()
    .describe("keyring that is on the host already"),
  key: z
    .string()
    .max(65_536)
    .regex(
      /^-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n[\x20-\x7e\r\n]*-----END PGP PUBLIC KEY BLOCK-----\s*$/,
      "must be an ASCII-armoured public key",
    )
    .optional()
    .describe("the repository's public key, ASCII-armoured"),
});

/** How the cards are set; config and resource share it. */
export const driverSettings = {
  packageRevision: z
    .string()
    .max(32)
    .regex(/^[A-Za-z0-9.+~]+$/, "must be a Debian revision such as 1 or 1ubuntu1")
    .optional()
    .describe("revision of the driver's packages, where a mirror's differs from NVIDIA's"),
  fabricManager: z
    .enum(["auto", "on", "off"])
    .default("auto")
    .describe("auto: where the host has NVSwitches; always in the driver's version"),
  repository: repository
    .optional()
    .describe("where the packages come from; unset: what the host's apt knows"),
  persistence: z.boolean().default(true).describe("keep the driver initialised while nobody uses the card"),
  powerLimitWatts: z
    .int()
    .min(50)
    .max(2000)
    .optional()
    .describe("power limit of every card; unset leaves it"),
  ecc: z
    .boolean()
    .optional()
    .describe("error correction of video memory; takes effect after a reboot; unset leaves it"),
  mig: z
    .boolean()
    .optional()
    .describe("Multi-Instance GPU mode; takes effect after a reboot; unset leaves it"),
  lockClocksMHz: z
    .tuple([z.int().min(100).max(5000), z.int().min(100).max(5000)])
    .refine(([least, most]) => least <= most, "must be [lowest, highest]")
    .optional()
    .describe("range that the graphics clock is locked to, [lowest, highest]; unset leaves it free"),
  minorVersionCompatibility: z
    .boolean()
    .default(false)
    .describe(
      "accept a driver older than the one that the engine image's CUDA came with, within its major version",
    ),
  onDelete: z
    .enum(["keep", "remove"])
    .default("keep")
    .describe("what destroy does with the driver's packages"),
};

/** `racksmith:driver`: a named set of versions, any of them overridden. */
export const driverConfig = z.strictObject({
  set: z.enum(DRIVER_SET_NAMES).default(DEFAULT_DRIVER_SET).describe("the versions that belong together"),
  driver: driverVersion.optional().describe("another driver than the set's"),
  modules: z
    .enum(["open", "proprietary"])
    .optional()
    .describe("kernel modules: open from Turing on, the only kind for Blackwell"),
  cuda: cudaVersion.optional().describe("another CUDA toolkit than the set's"),
  cudnn: cudnnVersion.optional().describe("another cuDNN than the set's"),
  dcgm: dcgmVersion.optional().describe("another DCGM than the set's"),
  containerToolkit: dcgmVersion.optional().describe("another NVIDIA container toolkit than the set's"),
  toolkit: z
    .boolean()
    .default(true)
    .describe("install the CUDA toolkit and cuDNN on the host; containers bring their own"),
  dcgmEnabled: z.boolean().default(true).describe("install DCGM"),
  ...driverSettings,
});
export type DriverConfig = z.output<typeof driverConfig>;

/** Exact versions, after the set and its overrides. */
export interface DriverVersions {
  driver: string;
  modules: "open" | "proprietary";
  cuda?: string;
  cudnn?: string;
  dcgm?: string;
  containerToolkit: string;
}

/** The set with what the config puts in its place. Pure. */
export function driverVersions(config: DriverConfig): DriverVersions {
  const set = driverSet(config.set);
  return {
    driver: config.driver ?? set.driver.version,
    modules: config.modules ?? set.modules,
    ...(config.toolkit && {
      cuda: config.cuda ?? set.cuda.version,
      cudnn: config.cudnn ?? set.cudnn.version,
    }),
    ...(config.dcgmEnabled && { dcgm: config.dcgm ?? set.dcgm.version }),
    containerToolkit: config.containerToolkit ?? set.containerToolkit.version,
  };
}

/** Inputs of the driver's resource for a section of the config; `imageCuda` is the CUDA version of the engine's image. */
export function driverResourceInputs(config: DriverConfig, imageCuda?: string) {
  const { set: _set, toolkit: _toolkit, dcgmEnabled: _dcgm, ...settings } = config;
  // What the switches leave out must not come back from the overrides.
  const { cuda: _cuda, cudnn: _cudnn, dcgm: _version, ...rest } = settings;
  return { ...rest, ...driverVersions(config), ...(imageCuda !== undefined && { imageCuda }) };
}

/** What the driver's resource takes. */
export const driverFields = {
  driver: driverVersion,
  modules: z.enum(["open", "proprietary"]),
  cuda: cudaVersion.optional(),
  cudnn: cudnnVersion.optional(),
  dcgm: dcgmVersion.optional(),
  containerToolkit: dcgmVersion.optional().describe("gives containers the GPUs; unset: none is installed"),
  imageCuda: cudaVersion.optional().describe("CUDA version of the engine's image"),
  ...driverSettings,
};
