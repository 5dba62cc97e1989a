import { z } from "zod";
import { dockerShape, loginName } from "../../../config/docker.ts";

export const inputs = z.strictObject({
  ...dockerShape,
  /** The node has NVIDIA GPUs: runtime entry and CDI devices are kept. The driver noun brings the toolkit. */
  gpu: z.boolean().default(false),
  /**
   * Users who may use the Docker socket, which makes them as good as root on the node. The docker plugin logs in
   * as the user of the connection; when that is not root it has to be here.
   */
  users: z.array(loginName).max(32).default([]),
});

export const facts = z.object({
  /** `debian 13`, `ubuntu 24.04`. */
  system: z.string(),
  /** Installed packages of Docker, name → version. */
  packages: z.record(z.string(), z.string()),
  held: z.array(z.string()),
  /** Versions recorded at the first installation, name → version. */
  recorded: z.record(z.string(), z.string()),
  /** What apt would install, "" when no repository has it. */
  candidate: z.string(),
  active: z.boolean(),
  enabled: z.boolean(),
  /** Version of the running engine, "" when none runs. */
  engineVersion: z.string(),
  daemonJson: z.string(),
  /** daemon.json holds a URL with a password: it is then not shown, and not touched. */
  daemonJsonHasPassword: z.boolean(),
  /** daemon.json was replaced, and the act ended before the engine took it. */
  restartDue: z.boolean(),
  /** What the running engine says that it does. */
  liveRestore: z.boolean(),
  cgroupDriver: z.string(),
  loggingDriver: z.string(),
  rootDir: z.string(),
  /** Layers of images that were being written when the machine went down, and were not checked since. */
  layersInDoubt: z.number(),
  /** New layers are brought to the disk at once, by racksmith-docker-layers.service. */
  layersWatched: z.boolean(),
  group: z.array(z.string()),
  /** Driver loaded now, driver that /etc/cdi/nvidia.yaml was made for; "" when none. */
  driverLoaded: z.string(),
  driverInCdi: z.string(),
});

export type Inputs = z.infer<typeof inputs>;
export type Facts = z.infer<typeof facts>;
