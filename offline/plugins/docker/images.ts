import type Docker from "dockerode";
import { z } from "zod";

/** The inputs of `docker:index/remoteImage:RemoteImage` that this edition knows. */
export const imageInputs = z.strictObject({
  name: z.string().min(1),
  keepLocally: z.boolean().optional(),
  forceRemove: z.boolean().optional(),
  platform: z.string().optional(),
  pullTriggers: z.array(z.string()).optional(),
  triggers: z.record(z.string(), z.string()).optional(),
});

export type ImageInputs = z.infer<typeof imageInputs>;

export interface FoundImage {
  imageId: string;
  repoDigest: string;
}

/** The local image of that reference, or undefined; a reference with a digest is only matched by its digest. */
export async function findImage(docker: Docker, reference: string): Promise<FoundImage | undefined> {
  try {
    const found = await docker.getImage(reference).inspect();
    return { imageId: found.Id, repoDigest: repoDigest(reference, found.RepoDigests ?? []) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Pulls the reference, telling each layer's end; resolves when the engine has the whole image. */
export async function pullImage(
  docker: Docker,
  inputs: Pick<ImageInputs, "name" | "platform">,
  progress: (line: string) => void,
): Promise<FoundImage> {
  const stream = await docker.pull(inputs.name, inputs.platform ? { platform: inputs.platform } : {});
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(
      stream,
      (error: Error | null) => (error ? reject(error) : resolve()),
      (event: { id?: string; status?: string }) => {
        if (event.status?.endsWith("complete")) progress(`${event.id}: ${event.status}`);
      },
    ),
  );
  const found = await findImage(docker, inputs.name);
  if (!found) throw new Error(`pulled ${inputs.name}, but the engine does not list it`);
  return found;
}

/** True for the engine's 404, the one failure that may be read as "not there". */
export function isMissing(error: unknown): boolean {
  return typeof error === "object" && error !== null && "statusCode" in error && error.statusCode === 404;
}

function repoDigest(reference: string, digests: string[]): string {
  const digest = reference.split("@")[1];
  return digests.find((d) => digest !== undefined && d.endsWith(digest)) ?? digests[0] ?? "";
}
