import type { Change, Disruption } from "../../noun.ts";
import type { DriverFacts } from "./facts.ts";
import {
  type DriverInputs,
  pinText,
  sourceText,
  stalePackages,
  wantedPackages,
  wantsFabricManager,
} from "./plan.ts";
import { compareSettings, settingsUnit } from "./settings.ts";

/** What differs, each by its name: packages, holds, the loaded module, services, settings of the cards. Pure. */
export function compareDriver(inputs: DriverInputs, facts: DriverFacts): Change[] {
  return [
    ...comparePackages(inputs, facts),
    ...compareHolds(inputs, facts),
    ...compareModule(inputs, facts),
    ...compareFiles(inputs, facts),
    ...compareServices(inputs, facts),
    ...compareSettings(inputs, facts),
  ];
}

function comparePackages(inputs: DriverInputs, facts: DriverFacts): Change[] {
  // A driver under running processes changes only with a reboot; beside it nothing notices.
  const disruption = (version: string): Disruption =>
    version.startsWith(`${inputs.driver}-`) && facts.loaded !== "" && facts.loaded !== inputs.driver
      ? "reboot"
      : "none";
  const wrong = wantedPackages(inputs, facts).flatMap(({ name, version }): Change[] => {
    const found = facts.packages.find((each) => each.name === name);
    if (found?.version === version && found.state === "installed") return [];
    const state =
      found === undefined
        ? "not installed"
        : found.state === "broken"
          ? `${found.version}, half installed`
          : found.version;
    return [{ path: `packages.${name}`, found: state, wanted: version, disruption: disruption(version) }];
  });
  const stale = stalePackages(inputs, facts).map(
    (name): Change => ({
      path: `packages.${name}`,
      found: "of another driver",
      wanted: "absent",
      disruption: "none",
    }),
  );
  return [...wrong, ...stale];
}

/** Everything in the driver's version moves together or not at all, so all of it is held. */
function compareHolds(inputs: DriverInputs, facts: DriverFacts): Change[] {
  const wanted = new Set(wantedPackages(inputs, facts).map(({ name }) => name));
  return facts.packages
    .filter(
      ({ name, version, held }) => !held && (wanted.has(name) || version.startsWith(`${inputs.driver}-`)),
    )
    .map(({ name }) => ({ path: `holds.${name}`, found: "not held", wanted: "held", disruption: "none" }));
}

function compareModule(inputs: DriverInputs, facts: DriverFacts): Change[] {
  if (facts.loaded !== inputs.driver) {
    return [
      {
        path: "loaded",
        found: facts.loaded === "" ? "no driver" : facts.loaded,
        wanted: inputs.driver,
        disruption: facts.loaded === "" ? "none" : "reboot",
        why: "the kernel module that runs, not what is installed",
      },
    ];
  }
  if (facts.loadedKind !== "" && facts.loadedKind !== inputs.modules) {
    return [{ path: "modules", found: facts.loadedKind, wanted: inputs.modules, disruption: "reboot" }];
  }
  return [];
}

function compareFiles(inputs: DriverInputs, facts: DriverFacts): Change[] {
  const files: [path: string, found: string, wanted: string][] = [
    ["pinFile", facts.pinFile, pinText(inputs)],
    ["repository", facts.sourceFile, sourceText(inputs, facts.os)],
    ["repository.key", facts.keyFile, inputs.repository?.key ?? ""],
    ["settingsUnit", facts.settingsUnit, settingsUnit(inputs)],
  ];
  return files
    .filter(([, found, wanted]) => found !== wanted)
    .map(([path, found, wanted]) => ({
      path,
      found: found === "" ? "absent" : "another text",
      wanted: wanted === "" ? "absent" : wanted,
      disruption: "none",
    }));
}

/** Units that must run. */
export function wantedServices(inputs: DriverInputs, facts: DriverFacts): string[] {
  return [
    ...(inputs.persistence ? ["nvidia-persistenced"] : []),
    ...(wantsFabricManager(inputs, facts) ? ["nvidia-fabricmanager"] : []),
    ...(inputs.dcgm === undefined ? [] : ["nvidia-dcgm"]),
    "racksmith-gpu",
  ];
}

function compareServices(inputs: DriverInputs, facts: DriverFacts): Change[] {
  const states: Readonly<Record<string, string>> = {
    "nvidia-persistenced": facts.nvidia_persistenced,
    "nvidia-fabricmanager": facts.nvidia_fabricmanager,
    "nvidia-dcgm": facts.nvidia_dcgm,
    "racksmith-gpu": facts.racksmith_gpu,
  };
  return wantedServices(inputs, facts)
    .filter((unit) => states[unit] !== "active")
    .map((unit) => ({ path: `services.${unit}`, found: states[unit], wanted: "active", disruption: "none" }));
}
