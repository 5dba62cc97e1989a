import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { gatewaySettings } from "../../config/inference.ts";
import { gatewayConfig, keysMap } from "../../provider/resources/inference/gateway.ts";

const scripts = fileURLToPath(new URL("../../ansible-free-scripts/inference", import.meta.url));
// The real haproxy, which starts as root as it does on a node.
const haproxy = spawnSync("haproxy", ["-v"]).status === 0 && process.getuid?.() === 0;
const key = `key-${randomBytes(16).toString("hex")}`;
const probeKey = randomBytes(32).toString("hex");
const settings = gatewaySettings.parse({ address: "127.0.0.1", maxBodyMiB: 1, streamTimeoutSeconds: 20 });

const freePort = async (): Promise<number> => {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
};

interface Answer {
  status: number;
  body: string;
  headers: Record<string, unknown>;
}

describe.skipIf(!haproxy)("the gateway, real haproxy before a stand-in engine", () => {
  const dir = mkdtempSync(join(tmpdir(), "racksmith-gateway-"));
  const paths = {
    config: join(dir, "haproxy.cfg"),
    keys: join(dir, "keys.map"),
    probe: join(dir, "probe.map"),
    socket: join(dir, "admin.sock"),
  };
  const seen: { url: string; authorization: string | undefined }[] = [];
  let engine: Server;
  let proxy: ChildProcess;
  let log = "";
  const ports = { public: 0, metrics: 0 };

  function ask(
    method: string,
    path: string,
    options: { key?: string; body?: string; headers?: object } = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = {
        ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
        ...(options.body === undefined ? {} : { "content-length": Buffer.byteLength(options.body) }),
        ...options.headers,
      };
      const call = request(
        { host: "127.0.0.1", port: ports.public, method, path, headers, agent: false },
        (answer) => {
          let body = "";
          answer.on("data", (part) => (body += part));
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body, headers: answer.headers }));
        },
      );
      call.on("error", reject);
      call.end(options.body);
    });
  }

  /** Runs functions of the node's scripts against this gateway. Not synchronously: the engine lives in here. */
  async function bash(steps: string): Promise<{ out: string; err: string; rc: number | null }> {
    const sources = ["../lib.sh", "common.sh", "gateway.sh"]
      .map((file) => `. "${scripts}/${file}"`)
      .join("; ");
    const child = spawn(
      "bash",
      ["-c", `set -euo pipefail; ${sources}; gateway_socket=${paths.socket}; ${steps}`],
      {
        env: {
          ...process.env,
          gateway_dir: dir,
          gateway_scheme: "http",
          gateway_host: "127.0.0.1",
          gateway_port: String(ports.public),
          served_name: "tiny",
        },
      },
    );
    const said = { out: "", err: "" };
    child.stdout.on("data", (part) => (said.out += part));
    child.stderr.on("data", (part) => (said.err += part));
    const rc = await new Promise<number | null>((done) => child.once("close", done));
    return { ...said, rc };
  }

  beforeAll(async () => {
    engine = createServer((call, answer) => {
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
    }).listen(0, "127.0.0.1");
    await new Promise((done) => engine.once("listening", done));
    [ports.public, ports.metrics] = [await freePort(), await freePort()];
    const text = gatewayConfig({ ...settings, port: ports.public, metricsPort: ports.metrics }, paths);
    writeFileSync(
      paths.config,
      text.replace("127.0.0.1:18000", `127.0.0.1:${(engine.address() as AddressInfo).port}`),
    );
    writeFileSync(paths.keys, keysMap({ team: key }), { mode: 0o600 });
    const hash = createHash("sha256").update(probeKey).digest("hex");
    writeFileSync(paths.probe, `${hash} racksmith-probe\n`, { mode: 0o600 });
    writeFileSync(join(dir, "probe.key"), probeKey, { mode: 0o600 });
    proxy = spawn("haproxy", ["-W", "-f", paths.config], { stdio: ["ignore", "pipe", "pipe"] });
    const collect = (part: Buffer) => (log += part);
    proxy.stdout?.on("data", collect);
    proxy.stderr?.on("data", collect);
    const healthy = () =>
      ask("GET", "/health").then(
        (answer) => answer.status === 200,
        () => false,
      );
    await vi.waitUntil(healthy, { timeout: 10_000, interval: 100 });
  }, 15_000);

  afterAll(async () => {
    proxy?.kill("SIGTERM");
    engine?.closeAllConnections();
    engine?.close();
    await new Promise((done) => (proxy ? proxy.once("exit", done) : done(0)));
    rmSync(dir, { recursive: true });
  });

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
    expect(await bash("probe 15 && printf ok")).toEqual({ out: "ok", err: "", rc: 0 });
    writeFileSync(join(dir, "probe.key"), "wrong", { mode: 0o600 });
    const wrong = await bash('probe 15 || printf "%s" "$probe_detail"');
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
    expect(log).toContain("key=team POST /v1/completions 200");
    expect(log).not.toContain(key);
    expect(log).not.toContain(probeKey);
  });
});
