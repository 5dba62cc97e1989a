import type { z } from "zod";
import { docker } from "../../provider/resources/docker.ts";

export type Facts = z.infer<typeof docker.facts>;
export const parse = (given: z.input<typeof docker.inputs> = {}) => docker.inputs.parse(given);

/** As observe.sh printed it on a bare Debian 13. */
export const bare: Facts = {
  system: "debian 13",
  packages: {},
  held: [],
  recorded: {},
  candidate: "26.1.5+dfsg1-9+b11",
  active: false,
  enabled: false,
  engineVersion: "",
  daemonJson: "",
  daemonJsonHasPassword: false,
  restartDue: false,
  liveRestore: false,
  cgroupDriver: "",
  loggingDriver: "",
  rootDir: "",
  layersInDoubt: 0,
  layersWatched: true,
  group: [],
  driverLoaded: "",
  driverInCdi: "",
};
