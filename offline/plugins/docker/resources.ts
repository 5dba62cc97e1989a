import type Docker from "dockerode";
import { couldNotLook, isHostError } from "../../../provider/ssh/errors.ts";
import type { Context, Fields, PluginResource } from "../shared/resource.ts";
import { type ContainerInputs, containerInputs, updatableInputs } from "./container-spec.ts";
import { createContainer, deleteContainer, readContainer, updateContainer } from "./containers.ts";
import { type Engine, openEngine } from "./engine.ts";
import { findImage, type ImageInputs, imageInputs, isMissing, pullImage } from "./images.ts";
import { createVolume, readVolume, type VolumeInputs, volumeInputs } from "./volumes.ts";

/** One connection for the whole process, made by the first call that needs it, and anew after a reboot or a cut. */
class Engines {
  #open: Promise<Engine> | undefined;

  async docker({ config }: Context): Promise<Docker> {
    this.#open ??= this.#keepWhileOpen(
      openEngine({ host: text(config.host), sshOpts: list(config.sshOpts) }),
    );
    return (await this.#open).docker;
  }

  #keepWhileOpen(opening: Promise<Engine>): Promise<Engine> {
    const forget = () => {
      if (this.#open === opening) this.#open = undefined;
    };
    opening.then(({ closed }) => closed.then(forget), forget);
    return opening;
  }

  end(): void {
    this.#open?.then(
      (engine) => engine.end(),
      () => undefined,
    );
  }
}

export const engines = new Engines();

type Read = { id: string; outputs: Fields } | undefined;

/**
 * Reads by the engine. One that does not answer leaves what was last known, with a warning: else a refresh would
 * end there, and what starts the engine again would never be reached.
 */
async function lookedAt(
  id: string,
  known: Fields,
  context: Context,
  read: (docker: Docker) => Promise<Read>,
): Promise<Read> {
  try {
    return await read(await engines.docker(context));
  } catch (error) {
    // An answer that is a refusal is no silence. A host that does not let the recorded connection in is one: what
    // the program has now decides, in the nouns of that host.
    if (typeof error === "object" && error !== null && "statusCode" in error) throw error;
    if (isHostError(error) && !couldNotLook(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const message = `Docker did not answer; what was last known is kept: ${reason}`;
    context.log.log("warning", message, context.request.urn);
    return { id, outputs: known };
  }
}

export const imageResource: PluginResource<ImageInputs> = {
  inputs: imageInputs,
  replaces: (property) => property !== "keepLocally" && property !== "forceRemove",
  unknownInPreview: ["imageId", "repoDigest"],
  async create(inputs, context) {
    const docker = await engines.docker(context);
    const progress = (line: string) => context.log.status(line, context.request.urn);
    const image = (await findImage(docker, inputs.name)) ?? (await pullImage(docker, inputs, progress));
    return { id: `${image.imageId}${inputs.name}`, outputs: { ...inputs, ...image } };
  },
  read: (readId, known, context) =>
    lookedAt(readId, known, context, async (docker) => {
      const name = String(known.name);
      const image = await findImage(docker, name);
      return image && { id: `${image.imageId}${name}`, outputs: { ...known, ...image } };
    }),
  update: async (_id, inputs, known) => ({ ...known, ...inputs }),
  async delete(_id, known, context) {
    if (known.keepLocally === true) return;
    const image = (await engines.docker(context)).getImage(String(known.imageId));
    await image.remove({ force: known.forceRemove === true }).catch(ignoreMissing);
  },
};

export const volumeResource: PluginResource<VolumeInputs> = {
  inputs: volumeInputs,
  replaces: () => true,
  unordered: new Set(["labels"]),
  unknownInPreview: ["driver", "mountpoint"],
  async create(inputs, context) {
    const docker = await engines.docker(context);
    await createVolume(docker, inputs);
    return { id: inputs.name, outputs: { ...inputs, ...(await readVolume(docker, inputs.name)) } };
  },
  read: (id, known, context) =>
    lookedAt(id, known, context, async (docker) => {
      const found = await readVolume(docker, id);
      return found && { id, outputs: { ...known, ...found } };
    }),
  update: async (_id, inputs, known) => ({ ...known, ...inputs }),
  async delete(id, _known, context) {
    await (await engines.docker(context)).getVolume(id).remove({ force: true }).catch(ignoreMissing);
  },
};

const unordered = new Set([
  "envs",
  "labels",
  "capabilities",
  "securityOpts",
  "groupAdds",
  "mounts",
  "volumes",
]);

export const containerResource: PluginResource<ContainerInputs> = {
  inputs: containerInputs,
  replaces: (property) => !updatableInputs.has(property),
  unordered,
  deleteBeforeReplace: true,
  unknownInPreview: [
    "bridge",
    "command",
    "containerLogs",
    "entrypoints",
    "envs",
    "exitCode",
    "healthcheck",
    "hostname",
    "init",
    "ipcMode",
    "labels",
    "logDriver",
    "networkDatas",
    "platform",
    "runtime",
    "securityOpts",
    "shmSize",
    "stopSignal",
    "stopTimeout",
  ],
  async create(inputs, context) {
    const docker = await engines.docker(context);
    const id = await createContainer(docker, inputs, (line) => context.log.status(line, context.request.urn));
    return { id, outputs: (await readContainer(docker, id, inputs)) ?? { ...inputs } };
  },
  read: (id, known, context) =>
    lookedAt(id, known, context, async (docker) => {
      const outputs = await readContainer(docker, id, inputsIn(known));
      return outputs && { id, outputs };
    }),
  async update(id, inputs, _known, context) {
    const docker = await engines.docker(context);
    await updateContainer(docker, id, inputs);
    return (await readContainer(docker, id, inputs)) ?? { ...inputs };
  },
  async delete(id, known, context) {
    await deleteContainer(await engines.docker(context), id, inputsIn(known));
  },
};

function inputsIn(known: Fields): Partial<ContainerInputs> {
  const names = new Set(Object.keys(containerInputs.shape));
  return Object.fromEntries(Object.entries(known).filter(([key]) => names.has(key)));
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Lists arrive as JSON text in provider configuration. */
function list(value: unknown): string[] | undefined {
  const parsed: unknown = typeof value === "string" && value !== "" ? JSON.parse(value) : value;
  return Array.isArray(parsed) ? parsed.map(String) : undefined;
}
