import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { monitoringContainers } from "../../components/monitoring/containers.ts";
import { containerArgs } from "../../components/monitoring.ts";
import { monitoringConfig } from "../../config/monitoring.ts";
import { containerOf, dockerHost } from "./docker-host.ts";
import { Machine } from "./machine.ts";
import type { Program } from "./program.ts";
import { Stack } from "./stack.ts";

let machine: Machine;
let stack: Stack;
let program: Program;

const app = () => machine.docker.getContainer("racksmith-app");

beforeAll(async () => {
  machine = await Machine.start();
  stack = await Stack.start();
  program = {
    docker: dockerHost(machine.connection(), join(machine.folder, "ssh")),
    images: { tiny: { args: { name: await machine.image("one"), keepLocally: true } } },
    volumes: { data: { args: { name: "data" }, retainOnDelete: true } },
    containers: { app: { args: containerOf() } },
  };
  await stack.want(program);
  const up = await stack.up();
  if (up.code !== 0) throw new Error(`${up.output}\n${await machine.log()}`);
});
afterAll(async () => {
  await stack?.stop();
  await machine?.stop();
});

/** The preview says it, `up` mends it, and then there is nothing left to do. */
async function mends(...said: RegExp[]): Promise<void> {
  const preview = await stack.preview();
  for (const what of said) expect(preview.output).toMatch(what);
  const up = await stack.up();
  expect(up.code, up.output).toBe(0);
  expect((await app().inspect()).State.Running).toBe(true);
  const again = await stack.up();
  expect(again.output).toMatch(/^ +5 unchanged$/m);
}

test("a stopped container is started again", async () => {
  await app().stop({ t: 0 });
  await mends(/docker:index\/container:Container: \((update|replace)\)/, /mustRun/);
});

test("a removed container is made again", async () => {
  await app().remove({ force: true });
  await mends(/docker:index\/container:Container: \(create\)/);
});

test("a restart policy changed by hand is set back", async () => {
  const before = await app().inspect();
  await app().update({ RestartPolicy: { Name: "no" } });
  await mends(/~ restart *: "no" => "unless-stopped"/);
  const after = await app().inspect();
  expect(after.HostConfig.RestartPolicy?.Name).toBe("unless-stopped");
  expect(after.Id).toBe(before.Id);
});

test("removed container, volume and image are all made again", async () => {
  const { imageId } = (await stack.resource("tiny")).outputs;
  await app().remove({ force: true });
  await machine.docker.getVolume("data").remove();
  await machine.docker.getImage(String(imageId)).remove({ force: true });
  await mends(
    /docker:index\/container:Container: \(create\)/,
    /docker:index\/volume:Volume: \(create\)/,
    /docker:index\/remoteImage:RemoteImage: \(create\)/,
  );
  expect((await machine.docker.getVolume("data").inspect()).Name).toBe("data");
});

test("the monitoring containers, as the component writes them, do not change on a second run", async () => {
  const specs = monitoringContainers(monitoringConfig.parse({}), { profiling: true });
  const sources = join(machine.folder, "monitoring");
  const containers = await Promise.all(
    specs.map(async (spec) => {
      // No CDI and no Prometheus here: what they run and where their files lie is replaced, nothing else.
      const { deviceRequests: _, ...args } = { ...containerArgs(spec, "", "it's $(id)") };
      const mounts = spec.mounts.map(({ propagation, ...mount }) => ({
        ...mount,
        source: mount.source.startsWith("/etc") ? join(sources, mount.source) : mount.source,
        ...(propagation && { bindOptions: { propagation } }),
      }));
      for (const { source } of mounts)
        if (source.startsWith(sources)) await mkdir(source, { recursive: true });
      const replaced = { image: { $image: "tiny" }, command: ["sleep", "1000"], mounts };
      return [spec.name, { args: { ...args, ...replaced } }] as const;
    }),
  );
  expect(containers.length).toBeGreaterThanOrEqual(4);
  const volumes = ["racksmith-prometheus", "racksmith-alertmanager"].map(
    (name) => [name, { args: { name }, retainOnDelete: true }] as const,
  );
  await stack.want({
    ...program,
    volumes: Object.fromEntries(volumes),
    containers: Object.fromEntries(containers),
  });
  const up = await stack.up();
  expect(up.code, up.output).toBe(0);
  const again = await stack.up();
  expect(again.output).toMatch(new RegExp(`^ +${3 + volumes.length + containers.length} unchanged$`, "m"));
});
