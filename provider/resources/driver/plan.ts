import type { z } from "zod";
import { asDistribution, type Package, packagesOf } from "../../../tiers/drivers/packages.ts";
import type { driverInputs } from "../driver.ts";
import type { DriverFacts } from "./facts.ts";

export type DriverInputs = z.output<typeof driverInputs>;

/** Whether this host gets the fabric manager: never without NVSwitches unless asked for. */
export function wantsFabricManager(inputs: DriverInputs, facts: Pick<DriverFacts, "nvswitches">): boolean {
  return inputs.fabricManager === "on" || (inputs.fabricManager === "auto" && facts.nvswitches > 0);
}

/** The packages to install and hold on this host; none where its system is not served (refused elsewhere). */
export function wantedPackages(inputs: DriverInputs, facts: DriverFacts): Package[] {
  const distribution = asDistribution(facts.os);
  if (distribution === undefined) return [];
  return packagesOf({ ...inputs, fabricManager: wantsFabricManager(inputs, facts) }, distribution);
}

/** Packages of another branch, which carry its number in their names and so are not replaced by an upgrade. */
const BRANCHED =
  /^(libnvidia-(compute|nscq)|nvidia-(utils|compute-utils|dkms|driver|fabricmanager|kernel-source|kernel-common))-\d{3}(-open|-server|-server-open)?$/;

export function stalePackages(inputs: DriverInputs, facts: DriverFacts): string[] {
  const wanted = new Set(wantedPackages(inputs, facts).map(({ name }) => name));
  return facts.packages
    .filter(
      ({ name, version }) =>
        BRANCHED.test(name) && !wanted.has(name) && !version.startsWith(`${inputs.driver}-`),
    )
    .map(({ name }) => name);
}

/** Names by which apt finds what NVIDIA's driver is made of. */
const PINNED = "*nvidia* libcuda1* libcudadebugger* libnvcuvid* libnvoptix* cuda-drivers*";

/** Keeps every package of the driver, its dependencies too, at one version, whatever else a repository offers. */
export function pinText({ driver }: Pick<DriverInputs, "driver">): string {
  return `# Written by racksmith.\nPackage: ${PINNED}\nPin: version ${driver}-*\nPin-Priority: 1001\n`;
}

export const KEY_PATH = "/etc/apt/keyrings/racksmith-driver.asc";

/** deb822 source; "" without a repository of our own. */
export function sourceText({ repository }: DriverInputs, os: string): string {
  if (repository === undefined) return "";
  const { url, suite, components, signedBy, key } = repository;
  const keyring = key === undefined ? signedBy : KEY_PATH;
  return [
    "# Written by racksmith.",
    "Types: deb",
    `URIs: ${url.replaceAll("{distribution}", os.replace(/^ubuntu(\d+)\.(\d+)$/, "ubuntu$1$2"))}`,
    `Suites: ${suite}`,
    ...(components.length > 0 ? [`Components: ${components.join(" ")}`] : []),
    ...(keyring === undefined ? [] : [`Signed-By: ${keyring}`]),
    "",
  ].join("\n");
}
