import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { engines, volumeResource } from "../../offline/plugins/docker/resources.ts";
import type { Context } from "../../offline/plugins/shared/resource.ts";
import { SshServer } from "../support/ssh-server.ts";

// One volume is all that this engine knows: what is under test is the way to it.
const VOLUME = { Name: "data", Driver: "local", Mountpoint: "/d", Labels: null, Options: null };

let server: SshServer;
let docker: Server;
let context: Context;
let warnings: string[];
beforeEach(async () => {
  server = await SshServer.start();
  docker = createServer((request, response) => {
    const found = request.url === "/volumes/data";
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(found ? VOLUME : { message: "no such volume" }));
  });
  server.dockerSocket = join(server.folder, "docker.sock");
  await new Promise<void>((resolve) => docker.listen(server.dockerSocket, resolve));
  warnings = [];
  context = {
    log: { log: (_, message) => warnings.push(message), status: () => undefined },
    config: { host: `ssh://root@127.0.0.1:${server.proxy.port}`, sshOpts: await sshOpts() },
    request: { urn: "u", type: "docker:index/volume:Volume", name: "data", preview: false, signal: never() },
  };
});
afterEach(async () => {
  engines.end();
  await server.stop();
  docker.close();
});

const never = () => new AbortController().signal;
const known = { name: "data", driver: "as last known" };
const read = (id = "data") => volumeResource.read(id, known, context);

async function sshOpts(): Promise<string[]> {
  const key = join(server.folder, "key");
  const pins = join(server.folder, "known_hosts");
  await writeFile(key, server.userKey.private, { mode: 0o600 });
  await writeFile(pins, `[127.0.0.1]:${server.proxy.port} ${server.hostKey.public}\n`);
  return ["-i", key, "-o", `UserKnownHostsFile=${pins}`];
}

test("a host that was restarted is connected to anew", async () => {
  expect(await read()).toMatchObject({ outputs: { driver: "local" } });
  expect(await read("other")).toBeUndefined();
  expect(server.proxy.connections).toBe(1);
  server.proxy.cut();
  await sleep(200);
  expect(await read()).toMatchObject({ outputs: { driver: "local" } });
  expect(server.proxy.connections).toBe(2);
  expect(warnings).toEqual([]);
});

test("a host whose recorded key no longer fits: what was last known is kept, and the new pin is used", async () => {
  await server.reinstall();
  expect(await read()).toEqual({ id: "data", outputs: known });
  expect(warnings).toEqual([expect.stringContaining("the host key is not the pinned one")]);
  await expect(volumeResource.delete("data", known, context)).rejects.toThrow(/host key/);
  await sshOpts();
  expect(await read()).toMatchObject({ outputs: { driver: "local" } });
});
