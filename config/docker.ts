import { z } from "zod";
import { httpUrl } from "./common.ts";

/** A Debian package version, exact. */
export const packageVersion = z
  .string()
  .max(128)
  .regex(/^[0-9][A-Za-z0-9.+~:-]*$/, "must be an exact package version, as `apt-cache policy` prints it");

/** A login name on the node, as the connection takes it. */
export const loginName = z
  .string()
  .max(64)
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/, "must be a login name");

/** `HOST[:PORT]` of one registry. Networks (CIDR) are not taken: they would open more than is meant. */
const registry = z
  .string()
  .max(255)
  .regex(
    /^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?$/,
    "must be HOST or HOST:PORT, not a network",
  );

/** `racksmith:docker`, and the resource's inputs but for those that the stack fills in. */
export const dockerShape = {
  source: z
    .enum(["distribution", "docker-ce"])
    .default("distribution")
    .describe("the distribution's docker.io, or docker-ce from a repository that the node already has"),
  version: packageVersion
    .optional()
    .describe("exact engine package version; unset takes the first candidate, records it and holds it"),
  cgroupDriver: z
    .enum(["cgroupfs", "systemd"])
    .default("cgroupfs")
    .describe("cgroupfs lets containers keep their GPUs over `systemctl daemon-reload`"),
  logMaxMiB: z
    .int()
    .min(1)
    .max(10_240)
    .default(50)
    .describe("size of a container's log before it is rotated"),
  logFiles: z.int().min(1).max(100).default(3).describe("logs kept a container"),
  registryMirrors: z.array(httpUrl).max(20).default([]).describe("mirrors of Docker Hub, tried in order"),
  insecureRegistries: z
    .array(registry)
    .max(20)
    .default([])
    .describe("registries that may be plain HTTP or have a certificate nobody signed; any other is refused"),
  dataRoot: z
    .string()
    .max(512)
    .regex(/^(\/[A-Za-z0-9._-]+)+$/, "must be a normalised absolute path")
    .refine((path) => !path.split("/").includes(".."), { message: "must not contain .." })
    .optional()
    .describe("where images and containers lie; unset is /var/lib/docker"),
};

export const dockerConfig = z.strictObject(dockerShape);
export type DockerConfig = z.output<typeof dockerConfig>;
