import { z } from "zod";
import { driverFields } from "../../config/driver.ts";
import { defineNoun } from "../noun.ts";
import { compareDriver, wantedServices } from "./driver/compare.ts";
import { driverFacts } from "./driver/facts.ts";
import { pinText, sourceText, stalePackages, wantedPackages } from "./driver/plan.ts";
import { refuseDriver } from "./driver/refuse.ts";
import { resetClocks, resetCommands, settingCommands, settingsUnit } from "./driver/settings.ts";

export const driverInputs = z.object(driverFields);

/** Services that racksmith knows and, where they are not wanted, switches off. */
const SERVICES = ["nvidia-persistenced", "nvidia-fabricmanager", "nvidia-dcgm", "racksmith-gpu"];

/** Driver, CUDA, cuDNN, DCGM and fabric manager in exact versions, held; and the one that is loaded is the one that is installed. */
export const driver = defineNoun({
  name: "driver",
  inputs: driverInputs,
  facts: driverFacts,
  compare: compareDriver,
  refuse: refuseDriver,
  forObserve: () => ({}),
  forAct: (inputs, facts) => {
    const services = wantedServices(inputs, facts);
    return {
      driver: inputs.driver,
      modules: inputs.modules,
      package: wantedPackages(inputs, facts).map(({ name, version }) => `${name}=${version}`),
      stale: stalePackages(inputs, facts),
      pin: pinText(inputs),
      source: sourceText(inputs, facts.os),
      key: inputs.repository?.key ?? "",
      unit_text: settingsUnit(inputs),
      setting: [...settingCommands(inputs), ...resetClocks(inputs, facts)],
      reset_setting: resetCommands(inputs, facts),
      service: services.map((unit) => `${unit}.service`),
      service_off: SERVICES.filter((unit) => !services.includes(unit)).map((unit) => `${unit}.service`),
      simulated: facts.simulatedGpus !== "",
      on_delete: inputs.onDelete,
    };
  },
});
