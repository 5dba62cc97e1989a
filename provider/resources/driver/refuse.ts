import { ARCHITECTURES, type Architecture, FIRST_OPEN_BRANCH } from "../../../tiers/drivers/architectures.ts";
import { driverForCuda } from "../../../tiers/drivers/cuda.ts";
import { asDistribution, DISTRIBUTIONS } from "../../../tiers/drivers/packages.ts";
import { branchOf, isOlder } from "../../../tiers/drivers/version.ts";
import type { Refusal } from "../../noun.ts";
import { gpusOf } from "../host/gpus.ts";
import type { DriverFacts } from "./facts.ts";
import type { DriverInputs } from "./plan.ts";
import { cardOf } from "./settings.ts";

/** What these versions cannot do on this host, with NVIDIA's number beside ours. Pure. */
export function refuseDriver(inputs: DriverInputs, facts: DriverFacts): Refusal[] {
  return [
    ...refuseSystem(facts),
    ...refuseCuda(inputs),
    ...architectures(facts).flatMap((architecture) => refuseArchitecture(inputs, architecture)),
    ...refuseSettings(inputs, facts),
  ];
}

function architectures(facts: DriverFacts): Architecture[] {
  const all = gpusOf({ ...facts, driverGpus: [] }).map((gpu) => gpu.architecture);
  return [...new Set(all)].filter((each) => each !== undefined);
}

function refuseSystem(facts: DriverFacts): Refusal[] {
  const refusals: Refusal[] = [];
  if (asDistribution(facts.os) === undefined) {
    refusals.push({
      path: "os",
      found: facts.os,
      wanted: DISTRIBUTIONS.join(", "),
      remedy: "install one of the systems that NVIDIA's repository and racksmith both serve",
    });
  }
  if (facts.pciGpus.length === 0 && facts.simulatedGpus === "") {
    refusals.push({
      path: "gpus",
      found: "no NVIDIA GPU on the PCI bus",
      wanted: "at least one",
      remedy: "check the card and its power, and that the firmware enables it",
    });
  }
  return refusals;
}

function refuseCuda(inputs: DriverInputs): Refusal[] {
  const { driver } = inputs;
  const refusals: Refusal[] = [];
  const toolkit = inputs.cuda === undefined ? undefined : driverForCuda(inputs.cuda);
  if (toolkit && isOlder(driver, toolkit.minimum)) {
    refusals.push({
      path: "cuda",
      found: `driver ${driver}`,
      wanted: `at least ${toolkit.minimum}, NVIDIA's minimum for CUDA ${inputs.cuda}`,
      remedy: "choose a newer driver or an older CUDA toolkit",
    });
  }
  if (inputs.imageCuda === undefined) return refusals;
  const image = driverForCuda(inputs.imageCuda);
  if (image === undefined) {
    refusals.push({
      path: "imageCuda",
      found: `CUDA ${inputs.imageCuda}`,
      wanted: "a CUDA version from 11.0 on that NVIDIA's release notes name",
      remedy: "check the engine image's CUDA version",
    });
    return refusals;
  }
  const needed = inputs.minorVersionCompatibility ? image.minimum : image.full;
  if (isOlder(driver, needed)) {
    const milder =
      !inputs.minorVersionCompatibility && !isOlder(driver, image.minimum)
        ? "; minorVersionCompatibility: true accepts it with limited features (no PTX)"
        : "";
    refusals.push({
      path: "imageCuda",
      found: `driver ${driver}`,
      wanted: `at least ${needed}, NVIDIA's minimum for the engine image's CUDA ${inputs.imageCuda}`,
      remedy: `choose a newer driver (driver.set or driver.driver) or an image built with an older CUDA${milder}`,
    });
  }
  return refusals;
}

function refuseArchitecture({ driver, modules }: DriverInputs, architecture: Architecture): Refusal[] {
  const rule = ARCHITECTURES[architecture];
  const refusals: Refusal[] = [];
  if (isOlder(driver, rule.minimumDriver)) {
    refusals.push({
      path: "driver",
      found: driver,
      wanted: `at least ${rule.minimumDriver}, NVIDIA's minimum for ${architecture}`,
      remedy: "choose a newer driver (driver.set or driver.driver)",
    });
  }
  if (rule.lastBranch !== undefined && branchOf(driver) > rule.lastBranch) {
    refusals.push({
      path: "driver",
      found: driver,
      wanted: `R${rule.lastBranch}, the last branch that serves ${architecture}`,
      remedy: `choose a driver of branch ${rule.lastBranch}`,
    });
  }
  if (!rule.modules.includes(modules)) {
    refusals.push({
      path: "modules",
      found: modules,
      wanted: `${rule.modules.join(" or ")}: NVIDIA has no other kernel modules for ${architecture}`,
      remedy: `set driver.modules: ${rule.modules[0]}`,
    });
  } else if (modules === "open" && branchOf(driver) < FIRST_OPEN_BRANCH) {
    refusals.push({
      path: "modules",
      found: `open with ${driver}`,
      wanted: `open kernel modules exist from R${FIRST_OPEN_BRANCH} on`,
      remedy: "set driver.modules: proprietary, or choose a newer driver",
    });
  }
  return refusals;
}

function refuseSettings(inputs: DriverInputs, facts: DriverFacts): Refusal[] {
  const refusals: Refusal[] = [];
  if (inputs.fabricManager === "off" && facts.nvswitches > 0) {
    refusals.push({
      path: "fabricManager",
      found: `${facts.nvswitches} NVSwitches`,
      wanted: "fabricManager: auto",
      remedy: "without the fabric manager CUDA does not start on these cards",
    });
  }
  for (const card of facts.gpus.map(cardOf)) {
    const limit = inputs.powerLimitWatts;
    if (limit !== undefined && card.powerLimitWatts === undefined) {
      refusals.push(unsupported(card.bus, "powerLimitWatts", "no power limit to set"));
    } else if (
      limit !== undefined &&
      card.maxPowerLimitWatts !== undefined &&
      limit > card.maxPowerLimitWatts
    ) {
      refusals.push({
        path: "powerLimitWatts",
        found: `${limit} W for ${card.bus}`,
        wanted: `at most ${card.maxPowerLimitWatts} W`,
        remedy: "lower driver.powerLimitWatts",
      });
    }
    if (inputs.ecc === true && card.ecc === undefined) refusals.push(unsupported(card.bus, "ecc", "no ECC"));
    if (inputs.mig === true && card.mig === undefined) refusals.push(unsupported(card.bus, "mig", "no MIG"));
  }
  return refusals;
}

function unsupported(bus: string, setting: string, found: string): Refusal {
  return {
    path: setting,
    found: `${found} on ${bus}`,
    wanted: "a card that has it",
    remedy: `leave driver.${setting} out`,
  };
}
