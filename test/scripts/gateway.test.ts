import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GatewayRoom, haproxy } from "./gateway-room.ts";

describe.skipIf(!haproxy)("the gateway, real haproxy before a stand-in engine", () => {
  const room = new GatewayRoom();
  const { key, probeKey, paths, ports, dir } = room;
  const ask = room.ask.bind(room);
  const bash = room.bash.bind(room);
  const seen: { url: string; authorization: string | undefined }[] = [];

  beforeAll(async () => {
    await room.start((call, answer) => {
      seen.push({ url: call.url ?? "", authorization: call.headers.authorization });
      if (call.url === "/health") return answer.end("ok");
      if (call.headers["x-slow"] !== undefined) {
        answer.writeHead(200, { "content-type": "text/event-stream" });
        answer.write("data: one\n\n");
        setTimeout(() => answer.end("data: two\n\n"), 2500);
        return;
      }
      answer.setHeader("content-type", "application/json");
      answer.end(JSON.stringify({ choices: [{ text: "" }], usage: { completion_tokens: 1 } }));
    });
  }, 15_000);
  afterAll(() => room.stop());

  it("is a configuration without warnings", () => {
    const check = spawnSync("haproxy", ["-c", "-dW", "-f", paths.config], { encoding: "utf8" });
    expect(check.stdout + check.stderr).not.toMatch(/WARNING|ALERT/);
    expect(check.status).toBe(0);
  });

  it("answers with a key, which the engine never sees", async () => {
    const answer = await ask("POST", "/v1/completions", { key, body: "{}" });
    expect(answer.status).toBe(200);
    expect(seen.at(-1)).toEqual({ url: "/v1/completions", authorization: undefined });
    expect((await ask("GET", "/v1/models", { key })).status).toBe(200);
    expect((await ask("POST", "/v1/chat/completions", { key, body: "{}" })).status).toBe(200);
  });

  it.each([
    ["no key", {}],
    ["a wrong key", { key: `${key}x` }],
    ["an empty key", { headers: { authorization: "Bearer " } }],
    ["a key's hash", { key: createHash("sha256").update(key).digest("hex") }],
    ["another scheme", { headers: { authorization: `Basic ${key}` } }],
    ["a key without scheme", { headers: { authorization: key } }],
  ])("401 as JSON with %s", async (_what, options) => {
    const before = seen.filter((one) => one.url !== "/health").length;
    const answer = await ask("POST", "/v1/completions", { body: "{}", ...options });
    expect(answer.status).toBe(401);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
    expect(JSON.parse(answer.body)).toMatchObject({ error: { type: "authentication_error" } });
    expect(seen.filter((one) => one.url !== "/health").length).toBe(before);
  });

  it.each([
    "/metrics",
    "/",
    "/v1/embeddings",
    "/v1/load_lora_adapter",
    "/v1/../metrics",
    "/v1/models/../../metrics",
    "/%76%31/models",
    "//v1/models",
    "/docs",
  ])("404 for %s, even with a key", async (path) => {
    const answer = await ask("GET", path, { key });
    expect(answer.status).toBe(404);
    expect((await ask("GET", path)).status).toBe(401);
  });

  it("refuses the wrong method, a body without length, a body too long", async () => {
    expect((await ask("GET", "/v1/completions", { key })).status).toBe(405);
    expect((await ask("POST", "/v1/models", { key, body: "{}" })).status).toBe(405);
    const chunked = { headers: { "transfer-encoding": "chunked" }, key };
    expect((await ask("POST", "/v1/completions", chunked)).status).toBe(411);
    const long = await ask("POST", "/v1/completions", {
      key,
      headers: { "content-length": 1024 * 1024 + 1 },
    });
    expect(long.status).toBe(413);
  });

  it("keeps the metrics on loopback's own port", async () => {
    const answer = await fetch(`http://127.0.0.1:${ports.metrics}/metrics`);
    expect(await answer.text()).toContain("haproxy_backend_status");
  });

  it("the node's probe gets its token; a probe key is no key for others", async () => {
    expect(await bash("probe && printf ok")).toEqual({ out: "ok", err: "", rc: 0 });
    writeFileSync(join(dir, "probe.key"), "wrong", { mode: 0o600 });
    const wrong = await bash('probe || printf "%s" "$probe_detail"');
    writeFileSync(join(dir, "probe.key"), probeKey, { mode: 0o600 });
    expect(wrong.out).toContain("HTTP 401");
  });

  it("drains: running answers end, new ones get 503 as JSON, then all is well again", async () => {
    const running = ask("POST", "/v1/completions", { key, body: "{}", headers: { "x-slow": "1" } });
    await expect.poll(async () => (await bash("gateway_sessions")).out).toBe("1");
    const drained = bash("gateway_drain 10");
    await expect
      .poll(async () => (await ask("POST", "/v1/completions", { key, body: "{}" })).status, { timeout: 5000 })
      .toBe(503);
    const refused = await ask("POST", "/v1/completions", { key, body: "{}" });
    expect(refused.headers["retry-after"]).toBe("5");
    expect(JSON.parse(refused.body)).toMatchObject({ error: { type: "service_unavailable" } });
    expect((await running).body).toContain("data: two");
    const { out, rc } = await drained;
    expect(rc).toBe(0);
    expect(out).toContain("waiting up to 10 s for 1 running answers");
    expect(out).not.toContain("::warn");
    await bash("gateway_server ready");
    expect((await ask("POST", "/v1/completions", { key, body: "{}" })).status).toBe(200);
  }, 20_000);

  it("a drain that runs out of time says what it cuts off", async () => {
    const running = ask("POST", "/v1/completions", { key, body: "{}", headers: { "x-slow": "1" } });
    await expect.poll(async () => (await bash("gateway_sessions")).out).toBe("1");
    expect((await bash("gateway_drain 1; gateway_server ready")).out).toContain(
      "::warn 1 answers were still running after 1 s",
    );
    await running;
  }, 20_000);

  it("logs the key's name and never a key", () => {
    expect(room.log).toContain("key=team POST /v1/completions 200");
    expect(room.log).not.toContain(key);
    expect(room.log).not.toContain(probeKey);
  });
});
