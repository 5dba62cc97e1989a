import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { containerOutputs } from "./container-outputs.ts";
import { type ContainerInputs, createOptions } from "./container-spec.ts";
import { findImage, isMissing, pullImage } from "./images.ts";

type Progress = (line: string) => void;

/** Creates and starts a container, pulling its image when the engine lacks it. Returns its id. */
export async function createContainer(docker: Docker, inputs: ContainerInputs, progress: Progress) {
  if (!(await findImage(docker, inputs.image)))
    await pullImage(docker, { name: inputs.image, platform: undefined }, progress);
  const container = await docker.createContainer(createOptions(inputs));
  try {
    if (inputs.start) await container.start();
    if (inputs.wait) await untilHealthy(docker, container.id, inputs.waitTimeout);
    if (inputs.start && inputs.mustRun) await assertRunning(docker, container.id);
  } catch (error) {
    // The engine of the caller never learns this id: what is left would block the name for ever.
    await container.remove({ force: true, v: inputs.removeVolumes });
    throw error;
  }
  return container.id;
}

/** The outputs of a container that exists, or undefined. */
export async function readContainer(docker: Docker, id: string, known: Partial<ContainerInputs>) {
  try {
    return containerOutputs(known, await docker.getContainer(id).inspect());
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Changes what Docker can change in place, and starts a container that must run and does not. */
export async function updateContainer(docker: Docker, id: string, inputs: ContainerInputs): Promise<void> {
  const container = docker.getContainer(id);
  const bytes = (mebibytes: number | undefined) => (mebibytes ?? 0) * 1024 * 1024;
  await container.update({
    RestartPolicy: { Name: inputs.restart, MaximumRetryCount: inputs.maxRetryCount ?? 0 },
    ...(inputs.memory === undefined ? {} : { Memory: bytes(inputs.memory) }),
    ...(inputs.memoryReservation === undefined ? {} : { MemoryReservation: bytes(inputs.memoryReservation) }),
    ...(inputs.memorySwap === undefined
      ? {}
      : { MemorySwap: inputs.memorySwap === -1 ? -1 : bytes(inputs.memorySwap) }),
  });
  if (!inputs.mustRun) return;
  const { State: state } = await container.inspect();
  if (!state.Running) await container.start();
  await assertRunning(docker, id);
}

/** Stops (after `destroyGraceSeconds`, when given) and removes; a container that is gone already is fine. */
export async function deleteContainer(
  docker: Docker,
  id: string,
  known: Partial<ContainerInputs>,
): Promise<void> {
  const container = docker.getContainer(id);
  try {
    if (known.destroyGraceSeconds)
      await container.stop({ t: known.destroyGraceSeconds }).catch(ignoreNotModified);
    await container.remove({ force: true, v: known.removeVolumes ?? true });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function assertRunning(docker: Docker, id: string): Promise<void> {
  const { State: state, Name: name } = await docker.getContainer(id).inspect();
  if (state.Running) return;
  const logs = await docker.getContainer(id).logs({ stdout: true, stderr: true, tail: 20 });
  const reason = `exit status ${state.ExitCode}${state.Error ? `, ${state.Error}` : ""}`;
  throw new Error(`container ${name.slice(1)} ended at once (${reason}); its last lines:\n${plainLog(logs)}`);
}

async function untilHealthy(docker: Docker, id: string, timeoutSeconds: number): Promise<void> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const { State: state } = await docker.getContainer(id).inspect();
    const health = state.Health?.Status;
    if (health === "healthy") return;
    if (health === "unhealthy" || !state.Running || Date.now() > deadline)
      throw new Error(
        `container did not become healthy within ${timeoutSeconds} s: it is ${health ?? state.Status}`,
      );
    await sleep(500);
  }
}

/** Docker frames each piece of a log with 8 bytes: stream, three zeros, length. */
function plainLog(framed: Buffer): string {
  const pieces: string[] = [];
  let at = 0;
  while (at + 8 <= framed.length) {
    const length = framed.readUInt32BE(at + 4);
    pieces.push(framed.subarray(at + 8, at + 8 + length).toString("utf8"));
    at += 8 + length;
  }
  return pieces.join("");
}

function ignoreNotModified(error: unknown): void {
  if (typeof error === "object" && error !== null && "statusCode" in error && error.statusCode === 304)
    return;
  throw error;
}
