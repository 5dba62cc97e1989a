// A revoked key stops working, however the act that revokes it ended: the real haproxy and scripts.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keysMap } from "../../provider/resources/inference/gateway.ts";
import { GatewayRoom, haproxy } from "./gateway-room.ts";

describe.skipIf(!haproxy)("another key instead of the one there was", () => {
  let room: GatewayRoom;
  let units: string;
  const fresh = `key-${randomBytes(16).toString("hex")}`;
  beforeEach(async () => {
    room = new GatewayRoom();
    units = mkdtempSync(join(tmpdir(), "racksmith-units-"));
    await room.start((_call, answer) => answer.end("ok"));
  }, 15_000);
  afterEach(async () => {
    await room.stop();
    rmSync(units, { recursive: true });
  });

  /** The gateway's part of apply.sh. `before` may break things; a reload that gets through is told in the output. */
  const act = (before = "") =>
    room.bash(
      `gateway_config=$(<"$gateway_dir/haproxy.cfg")$'\\n'
       systemctl() { if [[ $1 == reload ]]; then echo RELOADED; kill -USR2 ${room.pid}; fi; }
       ${before}
       gateway_files; gateway_start`,
      {
        name: "main",
        gateway_keys: keysMap({ team: fresh }),
        gateway_unit_file: "[Unit]\n",
        unit_dir: units,
      },
    );
  const status = async (key: string) => (await room.ask("GET", "/v1/models", { key })).status;
  const due = async () => (await room.bash("[[ ! -e $gateway_dir/reload-due ]] || echo due")).out;

  it("holds at once, and nothing is reloaded where nothing changed", async () => {
    const first = await act();
    expect(first.out, first.err).toContain("RELOADED");
    await expect.poll(() => status(room.key), { timeout: 10_000 }).toBe(401);
    await expect.poll(() => status(fresh), { timeout: 10_000 }).toBe(200);
    expect(await due()).toBe("");
    expect((await act()).out).not.toContain("RELOADED");
  }, 30_000);

  it.each([
    ["haproxy refuses the configuration", "gateway_config=\"no such thing\"$'\\n'"],
    ["the reload fails", "systemctl() { [[ $1 != reload ]]; }; journalctl() { :; }"],
    ["the act is killed before it", "gateway_start() { kill -KILL $$; }"],
    ["the act is killed between the files", "gateway_check() { kill -KILL $$; }"],
  ])(
    "holds after the next act where %s",
    async (_how, fault) => {
      expect((await act(fault)).rc).not.toBe(0);
      expect(await status(room.key)).toBe(200);
      const left = await due();
      const again = await act();
      expect(again.out, again.err).toContain("RELOADED");
      await expect.poll(() => status(room.key), { timeout: 10_000 }).toBe(401);
      expect([left, await due()]).toEqual(["due\n", ""]);
    },
    30_000,
  );
});
