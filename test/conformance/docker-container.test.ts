import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { containerOf, dockerHost, HOSTILE_ENVS } from "./docker-host.ts";
import { Machine } from "./machine.ts";
import type { Program } from "./program.ts";
import { Stack } from "./stack.ts";

let machine: Machine;
let stack: Stack;
let image: string;
let program: Program;

const mebibyte = 1024 * 1024;
const container = () => machine.docker.getContainer("racksmith-app").inspect();
const withContainer = (changes: Record<string, unknown>): Program => ({
  ...program,
  containers: { app: { args: containerOf(changes) } },
});
async function upWith(changed: Program): Promise<string> {
  await stack.want(changed);
  const up = await stack.up();
  expect(up.code, `${up.output}\n${await machine.log()}`).toBe(0);
  return up.output;
}

beforeAll(async () => {
  machine = await Machine.start();
  stack = await Stack.start();
  image = await machine.image("one");
  program = {
    docker: dockerHost(machine.connection(), join(machine.folder, "ssh")),
    images: { tiny: { args: { name: image, keepLocally: true } } },
    volumes: {
      data: { args: { name: "data", labels: [{ label: "of", value: "it's $(id)" }] }, retainOnDelete: true },
    },
    containers: { app: { args: containerOf() } },
  };
});
afterAll(async () => {
  await stack?.stop();
  await machine?.stop();
});

test("a preview shows them and makes nothing", async () => {
  await stack.want(program);
  const preview = await stack.preview();
  expect(preview.code, preview.output).toBe(0);
  expect(preview.output).toContain("+ 5 to create");
  expect(await machine.docker.listContainers({ all: true })).toEqual([]);
  expect(await machine.docker.listImages()).toEqual([]);
});

test("image: pulled by its digest; the outputs that are read", async () => {
  await upWith(program);
  const found = await machine.docker.getImage(image).inspect();
  expect((await stack.resource("tiny")).outputs).toMatchObject({ imageId: found.Id, repoDigest: image });
});

test("volume: name and labels; the output that is read", async () => {
  const found = await machine.docker.getVolume("data").inspect();
  expect(found.Labels).toEqual({ of: "it's $(id)" });
  expect(await stack.resource("data")).toMatchObject({ id: "data", outputs: { name: "data" } });
});

test("container: every input reaches Docker as it was written; the outputs that are read", async () => {
  const { Config, HostConfig, Id, Image, State } = await container();
  expect(State.Running).toBe(true);
  expect(Image).toBe((await stack.resource("tiny")).outputs.imageId);
  expect(Config.Env).toEqual(expect.arrayContaining([...HOSTILE_ENVS, "IMAGE_SAYS=hello"]));
  expect(Config).toMatchObject({
    User: "65534:65534",
    Entrypoint: ["/bin/busybox"],
    Cmd: containerOf().command,
    StopTimeout: 3,
    Labels: { "racksmith.stack": "it's $(id)", "a.label": "", made: "one" },
  });
  expect(HostConfig).toMatchObject({
    NetworkMode: "host",
    PidMode: "host",
    ReadonlyRootfs: true,
    RestartPolicy: { Name: "unless-stopped" },
    CapDrop: ["ALL"],
    CapAdd: ["CAP_SYS_ADMIN"],
    Memory: 64 * mebibyte,
    MemorySwap: 64 * mebibyte,
    LogConfig: { Type: "json-file", Config: { "max-size": "20m", "max-file": "3" } },
    Tmpfs: { "/tmp": "rw,nosuid,nodev", "/var/tmp": "rw,size=1m" },
  });
  expect(HostConfig.GroupAdd?.toSorted()).toEqual(["109", "44"]);
  expect(HostConfig.SecurityOpt.toSorted()).toEqual(["label=disable", "no-new-privileges"]);
  const { Mounts } = await container();
  expect(Mounts).toContainEqual(
    expect.objectContaining({ Source: "/usr", Destination: "/host", RW: false, Propagation: "rslave" }),
  );
  expect(Mounts).toContainEqual(expect.objectContaining({ Name: "data", Destination: "/data", RW: true }));
  expect(await stack.resource("app")).toMatchObject({ id: Id, outputs: { name: "racksmith-app" } });
});

test("a second run changes nothing", async () => {
  const before = await container();
  expect(await upWith(program)).toMatch(/^ +5 unchanged$/m);
  expect((await container()).Id).toBe(before.Id);
  const preview = await stack.preview();
  expect(preview.output).toMatch(/^ +5 unchanged$/m);
});

test("restart policy and memory are changed in place", async () => {
  const before = await container();
  const output = await upWith(withContainer({ restart: "always", memory: 96, memorySwap: 96 }));
  expect(output).toContain("~ 1 updated");
  const { HostConfig, Id } = await container();
  expect(Id).toBe(before.Id);
  expect(HostConfig).toMatchObject({
    RestartPolicy: { Name: "always" },
    Memory: 96 * mebibyte,
    MemorySwap: 96 * mebibyte,
  });
  const again = await upWith(withContainer({ restart: "always", memory: 96, memorySwap: 96 }));
  expect(again).toMatch(/^ +5 unchanged$/m);
});

test("a changed command makes it anew under the same name", async () => {
  const before = await container();
  const output = await upWith(withContainer({ command: ["sleep", "1000"] }));
  expect(output).toContain("+-1 replaced");
  const after = await container();
  expect(after.Id).not.toBe(before.Id);
  expect(after.Config.Cmd).toEqual(["sleep", "1000"]);
  expect(await machine.docker.listContainers({ all: true })).toHaveLength(1);
});

test("another image: pulled first, then the container is made anew; the old image stays", async () => {
  const two = await machine.image("two");
  await upWith({ ...program, images: { tiny: { args: { name: two, keepLocally: true } } } });
  expect((await container()).Config.Labels.made).toBe("two");
  expect((await machine.docker.getImage(image).inspect()).Id).toBeDefined();
});

test.each([
  ["is not created", { mounts: [{ type: "bind", source: "/no/such/folder", target: "/x", readOnly: true }] }],
  ["does not start", { user: "no-such-user" }],
])("a container that %s is an error, and its name stays free for the next run", async (_what, changes) => {
  await stack.want(withContainer(changes));
  const up = await stack.up();
  expect(up.code, up.output).not.toBe(0);
  expect(up.output).toMatch(/no\/such\/folder|no-such-user/);
  await upWith(program);
  expect((await container()).State.Running).toBe(true);
});

test("device requests reach Docker, which refuses a driver that it does not have", async () => {
  const gpu = { deviceRequests: [{ driver: "no-such-driver", deviceIds: ["vendor.com/gpu=all"] }] };
  await stack.want(withContainer(gpu));
  const up = await stack.up();
  expect(up.code).not.toBe(0);
  expect(up.output).toMatch(/could not select device driver \\?"?no-such-driver/);
  await upWith(program);
});

test("destroy: containers go; images and volumes stay", async () => {
  const destroy = await stack.destroy();
  expect(destroy.code, destroy.output).toBe(0);
  expect(await machine.docker.listContainers({ all: true })).toEqual([]);
  expect(await machine.docker.listImages()).toHaveLength(2);
  expect((await machine.docker.getVolume("data").inspect()).Name).toBe("data");
});
