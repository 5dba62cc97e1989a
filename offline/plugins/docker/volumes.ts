import type Docker from "dockerode";
import { z } from "zod";
import { isMissing } from "./images.ts";

/** The inputs of `docker:index/volume:Volume` that this edition knows. */
export const volumeInputs = z.strictObject({
  name: z.string().min(1),
  labels: z.array(z.strictObject({ label: z.string(), value: z.string() })).optional(),
  driver: z.string().optional(),
  driverOpts: z.record(z.string(), z.string()).optional(),
});

export type VolumeInputs = z.infer<typeof volumeInputs>;

/** The outputs of a volume that exists, or undefined. */
export async function readVolume(docker: Docker, name: string): Promise<Record<string, unknown> | undefined> {
  try {
    const found = await docker.getVolume(name).inspect();
    const labels = Object.entries(found.Labels ?? {}).map(([label, value]) => ({ label, value }));
    return {
      name: found.Name,
      driver: found.Driver,
      mountpoint: found.Mountpoint,
      ...(labels.length > 0 ? { labels } : {}),
      ...(found.Options ? { driverOpts: found.Options } : {}),
    };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Creates the volume; one of the same name that is there already is left as it is. */
export async function createVolume(docker: Docker, inputs: VolumeInputs): Promise<void> {
  await docker.createVolume({
    Name: inputs.name,
    Labels: Object.fromEntries((inputs.labels ?? []).map((l) => [l.label, l.value])),
    ...(inputs.driver ? { Driver: inputs.driver } : {}),
    ...(inputs.driverOpts ? { DriverOpts: inputs.driverOpts } : {}),
  });
}
