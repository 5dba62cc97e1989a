// What becomes of an engine that gives the health check no token: the real gateway and scripts, a stand-in engine.
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GatewayRoom, haproxy } from "./gateway-room.ts";

describe.skipIf(!haproxy)("an engine that gives no token in time", () => {
  let room: GatewayRoom;
  let engine: "one slot" | "hung" | "loading";
  let holder: ServerResponse | undefined;
  let ended: boolean[];

  beforeEach(async () => {
    room = new GatewayRoom();
    [engine, holder, ended] = ["one slot", undefined, []];
    await room.start((call, answer) => {
      if (engine === "loading") return answer.writeHead(503).end();
      if (call.url === "/health") return answer.end("ok");
      // One request at a time, as llama.cpp with one slot; who comes later waits until it has ended.
      if (engine === "hung" || holder !== undefined) return;
      if (call.headers["x-slow"] === undefined) {
        return answer.end(JSON.stringify({ usage: { completion_tokens: 1 } }));
      }
      holder = answer;
      answer.on("close", () => ended.push(answer.writableFinished));
      answer.writeHead(200, { "content-type": "text/event-stream" });
      answer.write("data: one\n\n");
    });
  }, 15_000);
  afterEach(() => room.stop());

  const slow = () =>
    room.ask("POST", "/v1/completions", { key: room.key, body: "{}", headers: { "x-slow": "1" } });
  const probing = () => room.bash("probe || true; if engine_busy; then echo busy; else echo idle; fi", fast);
  const fast = { probe_seconds: "1" };
  /** `serve` of apply.sh for a container that stands; `systemctl restart` ends every request, as a real one does. */
  const serve = (more = "") =>
    room.bash(
      `unit=racksmith-inference-main spec=wanted weights_path=/ drain_seconds=2 start_timeout_seconds=30
       docker() {
         case "$*" in
           *racksmith.spec*) echo wanted ;; *Mounts*) echo / ;; *StartedAt*) date --iso-8601=seconds ;;
           *"inspect -- racksmith-inference-main") ;; *) return 1 ;;
         esac
       }
       systemctl() { case "$1" in restart) echo RESTARTED ;; show) echo 0 ;; esac; }
       ${more}
       serve`,
      fast,
    );

  it("is busy while it answers somebody else, and not when it hangs with nobody there but the health check", async () => {
    const running = slow();
    await expect.poll(async () => (await room.bash("gateway_sessions")).out).toBe("1");
    expect((await probing()).out).toBe("busy\n");
    holder?.end();
    await running;
    engine = "hung";
    // Twice: the first check's own request must not be taken for work by the second.
    expect((await probing()).out).toBe("idle\n");
    expect((await probing()).out).toBe("idle\n");
  }, 20_000);

  it("a busy one is not restarted, and its stream goes on to its end", async () => {
    const running = slow();
    await expect.poll(async () => (await room.bash("gateway_sessions")).out).toBe("1");
    const { out, rc } = await serve();
    expect(rc).toBe(0);
    expect(out).toContain(
      "::warn the engine is left as it is: no token within 1 s; other requests are being answered",
    );
    expect(out).not.toContain("RESTARTED");
    expect(ended).toEqual([]);
    holder?.end("data: two\n\n");
    expect((await running).body).toBe("data: one\n\ndata: two\n\n");
  }, 20_000);

  it("one that loads is waited for", async () => {
    engine = "loading";
    await expect.poll(async () => (await room.ask("GET", "/health")).status, { timeout: 10_000 }).toBe(503);
    setTimeout(() => {
      engine = "one slot";
    }, 3000);
    const { out, rc } = await serve();
    expect(rc).toBe(0);
    expect(out).toContain("::status waiting for a token: HTTP 503");
    expect(out).toContain("::status a token came");
    expect(out).not.toContain("RESTARTED");
  }, 30_000);

  it("one that hangs is restarted when its time is over", async () => {
    engine = "hung";
    const { out, rc } = await serve(
      'seconds_to_wait() { echo 3; }; systemctl() { case "$1" in restart) echo RESTARTED; probe() { :; } ;; show) echo 0 ;; esac; }',
    );
    expect(rc).toBe(0);
    expect(out).toContain("::status restarting the engine: no token after 3 s");
    expect(out).toContain("RESTARTED");
  }, 30_000);

  it("counts answers of a worker from before a reload", async () => {
    const earlier = `cat() { printf '1\\n2\\n3\\n'; }; gateway_sessions`;
    expect((await room.bash(earlier)).out).toBe("1");
  });
});

describe("how long a standing container is waited for", () => {
  const room = new GatewayRoom();
  const waits = async (started: string) =>
    Number(
      (await room.bash(`unit=u start_timeout_seconds=600; docker() { ${started}; }; seconds_to_wait`)).out,
    );

  it("what is left of its start, a minute at least, never more than the whole", async () => {
    expect(await waits("date --iso-8601=ns -d '5 minutes ago'")).toBeGreaterThan(290);
    expect(await waits("date --iso-8601=ns -d '5 minutes ago'")).toBeLessThanOrEqual(300);
    expect(await waits("date --iso-8601=ns -d '5 days ago'")).toBe(60);
    expect(await waits("date --iso-8601=ns -d '5 days'")).toBe(600);
    expect(await waits("echo; return 1")).toBe(60);
  });
});
