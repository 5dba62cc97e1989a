// Faults of Docker on a bare server, by a provider of its own over real SSH. One machine's life, told in order.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NodeConfig } from "../../config/index.ts";
import { resetNode } from "../../rack/index.ts";
import type { TestNode } from "../../rack/testing.ts";
import { BARE, bareNode } from "./support/bare.ts";
import { ensureNoun, inputsOf, nodeConfig, refusedNoun, startNoun } from "./support/nouns.ts";
import { actSays, asRoot, cutConnections, saidSinceBoot } from "./support/storage.ts";

const MINUTES = 60_000;
let node: TestNode;
let config: NodeConfig;
let inputs: ReturnType<typeof inputsOf>;

beforeAll(async () => {
  node = await bareNode();
  config = nodeConfig(BARE);
  inputs = inputsOf(config);
}, 15 * MINUTES);

afterAll(() => resetNode(BARE, () => undefined), 2 * MINUTES);

const start = (noun: string, wanted: Record<string, unknown>) => startNoun(noun, wanted, config.connection);
const ensure = (noun: string, wanted: Record<string, unknown>) => ensureNoun(noun, wanted, config.connection);
const refused = (noun: string, wanted: Record<string, unknown>) =>
  refusedNoun(noun, wanted, config.connection);

describe("docker", { timeout: 10 * MINUTES }, () => {
  it("full disk: said before a package is touched", async () => {
    const before = await node.shell("dpkg-query -W");
    await asRoot(node, "fallocate -l $(($(df --output=avail -B1 / | tail -n 1) - 300000000)) /var/filler");
    const said = await refused("docker", inputs.docker);
    expect(said).toMatch(
      /has \d+ MiB free; (installing )?docker\.io .* must stay free\. Nothing was changed/,
    );
    expect(await node.shell("dpkg-query -W")).toBe(before);
    await asRoot(node, "rm /var/filler");
  });

  it("the cable, then a power cut inside dpkg: the same up goes on and finishes", async () => {
    const run = start("docker", inputs.docker);
    await run.says(/installing docker/);
    await cutConnections(node);
    await run.says(/connection cut during docker apply; reconnecting/);
    await actSays(node, "docker", "Unpacking docker.io");
    expect(await saidSinceBoot(node, "docker", "::status installing docker")).toBe(1);
    await node.powerCut();
    const { code, output } = await run.ended;
    expect(code, output).toBe(0);
    expect(
      await asRoot(node, "dpkg --audit; apt-get check -qq; systemctl is-active docker; apt-mark showhold"),
    ).toMatch(/^active\n[\s\S]*docker\.io/);
  });

  it("the power goes just after a pull: its layers are checked, and the image is whole after the next pull", async () => {
    const image = config.monitoring.images.alertmanager;
    // As it would be if the power went before the layers could be brought to the disk.
    await asRoot(node, "systemctl stop racksmith-docker-layers.service");
    await asRoot(node, `docker pull -q ${image}; sleep 2`);
    await node.powerCut();
    expect(await ensure("docker", inputs.docker)).toMatch(
      /checking images: [1-9]\d* layers were being written/,
    );
    await asRoot(node, `docker pull -q ${image}`);
    await asRoot(node, `docker image save ${image} >/dev/null && docker run --rm ${image} --version`);
  });

  it("the power goes once the layers are on the disk: the image is whole, and nothing is left to check", async () => {
    const image = config.monitoring.images.nodeExporter;
    await asRoot(node, `docker pull -q ${image}`);
    await asRoot(
      node,
      "until ls /var/lib/docker/image/overlay2/layerdb/sha256 | cmp -s - /var/lib/racksmith/docker.layers; do sleep 0.5; done",
      120,
    );
    await node.powerCut();
    await asRoot(node, `docker image save ${image} >/dev/null && docker run --rm ${image} --version`);
    expect(await ensure("docker", inputs.docker)).not.toContain("checking images");
  });
});
