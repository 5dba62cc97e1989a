import { createHash } from "node:crypto";
import { z } from "zod";
import { apiKey, apiKeyName, inferenceShape } from "../../config/inference.ts";
import { type Change, type Disruption, defineNoun, type Refusal } from "../noun.ts";
import { oldestWithCdi } from "./docker/daemon.ts";
import { containerSpec } from "./inference/container.ts";
import { gatewayConfig, gatewayPaths, keysMap } from "./inference/gateway.ts";
import { engineUnitFile, gatewayUnitFile, inferenceUnit } from "./inference/units.ts";

const directory = z
  .string()
  .max(512)
  .regex(/^(\/[A-Za-z0-9._-]+)+$/, "must be a normalised absolute path of letters, digits and . _ -")
  .refine((path) => !path.split("/").includes(".."), { message: "must not contain .." });

const inputs = z.strictObject({
  ...inferenceShape,
  /** Pulumi stack, written on the container as a label. */
  stack: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "must be letters, digits and . _ -"),
  /** Directory (or link to one) holding the model; mounted read-only. */
  weightsPath: directory.default("/srv/racksmith/vault/weights/current"),
  /** Version of the weights. A change restarts the container, which is then on what `weightsPath` points to. */
  weightsVersion: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, "must be letters, digits and . _ : -"),
  vaultMount: directory.default("/srv/racksmith/vault"),
  /** API key name → key. At least one. */
  apiKeys: z.record(apiKeyName, apiKey).refine((keys) => Object.keys(keys).length > 0, {
    message: "needs at least one key, as a Pulumi secret",
  }),
});

const facts = z.object({
  /** Docker engine version, "" when there is no Docker. */
  dockerVersion: z.string(),
  /** `running`, `exited`, `created`, … as Docker says, or `missing`. */
  container: z.string(),
  image: z.string(),
  engineArgs: z.array(z.string()),
  spec: z.string(),
  weightsVersion: z.string(),
  /** What the container has mounted, and what `weightsPath` points to now. */
  weightsMounted: z.string(),
  weightsWanted: z.string(),
  /** A swap of containers that never ended: both the old and the new one are there. */
  swapUnfinished: z.boolean(),
  unitSha256: z.string(),
  unitEnabled: z.boolean(),
  unitActive: z.boolean(),
  gatewayConfigSha256: z.string(),
  gatewayKeysSha256: z.string(),
  /** Mode and owner of the keys' files, `600 root:root`. */
  gatewayKeysMode: z.string(),
  gatewayUnitSha256: z.string(),
  gatewayEnabled: z.boolean(),
  gatewayActive: z.boolean(),
  /** Its files were replaced, and the act ended before it read them: keys taken away still work. */
  gatewayReloadDue: z.boolean(),
  /** Name of the inference server that the node's gateway belongs to. */
  gatewayOwner: z.string(),
  distributionHaproxyMasked: z.boolean(),
  /** Who listens on the gateway's port, when it is not the gateway. */
  portHolder: z.string(),
  /** A one-token generation came back through the gateway. */
  healthy: z.boolean(),
  /** None came in time because other requests are being answered. No drift: a restart would cut them off. */
  busy: z.boolean(),
  healthDetail: z.string(),
});

type Inputs = z.infer<typeof inputs>;
type Facts = z.infer<typeof facts>;

/** An engine container, its units, and the gateway with the API keys in front of it. */
export const inference = defineNoun({
  name: "inference",
  inputs,
  facts,
  secrets: ["apiKeys"],
  replaceOn: ["name"],
  compare,
  refuse,
  forObserve: (wanted) => ({
    name: wanted.name,
    served_name: wanted.servedName,
    weights_path: wanted.weightsPath,
    ...probeTarget(wanted),
  }),
  forAct: (wanted) => {
    const spec = containerSpec(wanted);
    return {
      name: wanted.name,
      served_name: wanted.servedName,
      weights_path: wanted.weightsPath,
      model_path: wanted.modelPath,
      vault_mount: wanted.vaultMount,
      ...probeTarget(wanted),
      spec: spec.hash,
      image: spec.image,
      docker_arg: spec.dockerArgs,
      engine_arg: spec.engineArgs,
      unit_file: engineUnitFile(wanted.name, wanted.vaultMount, wanted.drainSeconds),
      gateway_unit_file: gatewayUnitFile(),
      gateway_config: gatewayConfig(wanted.gateway),
      gateway_keys: keysMap(wanted.apiKeys),
      tls_pem: wanted.gateway.tlsPemPath ?? "",
      drain_seconds: wanted.drainSeconds,
      start_timeout_seconds: wanted.startTimeoutSeconds,
    };
  },
});

function probeTarget({ gateway }: Inputs) {
  return {
    gateway_scheme: gateway.tlsPemPath === undefined ? "http" : "https",
    gateway_host: gateway.address === "0.0.0.0" ? "127.0.0.1" : gateway.address,
    gateway_port: gateway.port,
  };
}

function compare(wanted: Inputs, found: Facts): Change[] {
  const spec = containerSpec(wanted);
  const container = containerChanges(wanted, found, spec);
  const changes = [
    ...container,
    differs(
      "unit",
      found.unitSha256,
      sha256(engineUnitFile(wanted.name, wanted.vaultMount, wanted.drainSeconds)),
      "none",
    ),
    differs("unit.enabled", found.unitEnabled, true, "none"),
    differs("unit.active", found.unitActive, true, "container restart"),
    differs("gateway", found.gatewayConfigSha256, sha256(gatewayConfig(wanted.gateway)), "reload") ??
      differs(
        "gateway",
        found.gatewayReloadDue ? "not reloaded since its files changed" : "reloaded",
        "reloaded",
        "reload",
      ),
    differs(
      "apiKeys",
      found.gatewayKeysSha256,
      sha256(keysMap(wanted.apiKeys)),
      "reload",
      "keys added, removed or edited on the node",
    ),
    differs("gateway.keysMode", found.gatewayKeysMode, "600 root:root", "none"),
    differs("gateway.unit", found.gatewayUnitSha256, sha256(gatewayUnitFile()), "reload"),
    differs("gateway.enabled", found.gatewayEnabled, true, "none"),
    differs("gateway.active", found.gatewayActive, true, "none"),
    differs("gateway.distributionHaproxyMasked", found.distributionHaproxyMasked, true, "none"),
  ].filter((change) => change !== undefined);
  if (!found.healthy && !found.busy) {
    changes.push({
      path: "healthy",
      found: found.healthDetail,
      wanted: "one generated token",
      disruption: "container restart",
      why: "an engine that runs is waited for first, and restarted only when no token comes",
    });
  }
  return changes;
}

function containerChanges(wanted: Inputs, found: Facts, spec: ReturnType<typeof containerSpec>): Change[] {
  if (found.container === "missing") {
    return [{ path: "container", found: "missing", wanted: "running", disruption: "none" }];
  }
  const named = [
    differs("container", found.container, "running", "container restart"),
    differs("image", found.image, wanted.image, "container restart"),
    differs("weightsVersion", found.weightsVersion, wanted.weightsVersion, "container restart"),
    differs("settings", found.engineArgs.join(" "), spec.engineArgs.join(" "), "container restart"),
    found.weightsWanted === ""
      ? undefined
      : differs("weightsPath", found.weightsMounted, found.weightsWanted, "container restart"),
    differs("swap", found.swapUnfinished ? "unfinished" : "finished", "finished", "container restart"),
  ].filter((change) => change !== undefined);
  const other = differs(
    "container.spec",
    found.spec,
    spec.hash,
    "container restart",
    "limits, devices or isolation",
  );
  const explained = named.some((change) => ["image", "weightsVersion", "settings"].includes(change.path));
  return other !== undefined && !explained ? [...named, other] : named;
}

function refuse(wanted: Inputs, found: Facts): Refusal[] {
  const refusals: Refusal[] = [];
  if (found.portHolder !== "") {
    refusals.push({
      path: "gateway.port",
      found: `port ${wanted.gateway.port} is held by ${found.portHolder}`,
      wanted: "a free port",
      remedy: "stop that service or choose another gateway.port",
    });
  }
  if (found.gatewayOwner !== "" && found.gatewayOwner !== wanted.name) {
    refusals.push({
      path: "name",
      found: `the node's gateway serves ${found.gatewayOwner}`,
      wanted: "one inference server a node",
      remedy: `remove ${found.gatewayOwner} first (\`racksmith destroy\` of its stack), or use its name`,
    });
  }
  if (
    wanted.gpus.length > 0 &&
    found.dockerVersion !== "" &&
    Number.parseInt(found.dockerVersion, 10) < oldestWithCdi
  ) {
    refusals.push({
      path: "gpus",
      found: `Docker ${found.dockerVersion}`,
      wanted: `Docker ${oldestWithCdi} or later, which hands GPUs to containers by CDI`,
      remedy: "set docker.source to docker-ce, or install Debian 13 or Ubuntu 24.04",
    });
  }
  return refusals;
}

function differs(
  path: string,
  found: string | boolean,
  wanted: string | boolean,
  disruption: Disruption,
  why?: string,
): Change | undefined {
  if (found === wanted) return undefined;
  return { path, found, wanted, disruption, ...(why === undefined ? {} : { why }) };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** For messages and other rooms: where the units and files of an inference server are. */
export { gatewayPaths, inferenceUnit };
