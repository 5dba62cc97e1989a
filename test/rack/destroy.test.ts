import { beforeAll, describe, expect, it } from "vitest";
import { leaveClean, type Provisioned, provisioned } from "./support/provisioned.ts";

let node: Provisioned;
let before = "";

/** What nothing may ever make anew: the array, the encrypted volume, the model's bytes. */
const identity = () =>
  node.shell(
    "sudo mdadm --detail --export /dev/md/racksmith | grep MD_UUID; sudo cryptsetup luksUUID /dev/md/racksmith",
  );
const model = () =>
  node.shell(
    "sudo sh -c 'cd /srv/racksmith/vault/weights && readlink current && sha256sum current/model.gguf && stat -c %i current/model.gguf'",
  );

beforeAll(async () => {
  node = await provisioned();
  before = (await identity()) + (await model());
});

describe("./racksmith destroy", () => {
  it("removes what may go and says what it keeps", async () => {
    const { code, output } = await node.racksmith("destroy");
    expect(code, output).toBe(0);
    expect(output).toMatch(/Kept on the servers/);
    for (const what of ["the array /dev/md/racksmith", "the encrypted volume", "the models", "measurements"])
      expect(output).toContain(what);
    await expect(node.chat()).rejects.toThrow();
    expect(await node.shell("sudo docker ps -aq 2>/dev/null | wc -l")).toMatch(/^0\s*$/);
    expect(await node.shell("ls /etc/racksmith/gateway 2>/dev/null | wc -l")).toMatch(/^0\s*$/);
  });

  it("leaves the array and the volume's header, closed", async () => {
    expect(before).toContain(await identity());
    expect(await node.shell("sudo blkid -p -s TYPE -o value /dev/md/racksmith")).toMatch(/^crypto_LUKS\s*$/);
    expect(await node.shell("ls /dev/mapper")).not.toContain("racksmith-vault");
  });

  it("again: has nothing to do", async () => {
    const { code, output } = await node.racksmith("destroy");
    expect(code, output).toBe(0);
  });

  it("the next up brings the service back with the same weights, nothing reformatted", async () => {
    const { code, output } = await node.racksmith("up");
    expect(code, output).toBe(0);
    expect((await identity()) + (await model())).toBe(before);
    await node.serves();
    expect((await node.chat()).status).toBe(200);
  });

  it("nothing is left to do", async () => {
    const { code, output } = await node.racksmith("preview", ["--expect-no-changes"]);
    expect(code, output).toBe(0);
    leaveClean();
  });
});
