import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, request, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { gatewaySettings } from "../../config/inference.ts";
import { gatewayConfig, keysMap } from "../../provider/resources/inference/gateway.ts";

const scripts = fileURLToPath(new URL("../../ansible-free-scripts/inference", import.meta.url));
/** The real haproxy, which starts as root as it does on a node. */
export const haproxy = spawnSync("haproxy", ["-v"]).status === 0 && process.getuid?.() === 0;
const settings = gatewaySettings.parse({ address: "127.0.0.1", maxBodyMiB: 1, streamTimeoutSeconds: 20 });

export interface Answer {
  status: number;
  body: string;
  headers: Record<string, unknown>;
}

/** The real gateway before a stand-in engine, both in this process's care. */
export class GatewayRoom {
  readonly key = `key-${randomBytes(16).toString("hex")}`;
  readonly probeKey = randomBytes(32).toString("hex");
  readonly dir = mkdtempSync(join(tmpdir(), "racksmith-gateway-"));
  readonly paths = {
    config: join(this.dir, "haproxy.cfg"),
    keys: join(this.dir, "keys.map"),
    probe: join(this.dir, "probe.map"),
    socket: join(this.dir, "admin.sock"),
  };
  readonly ports = { public: 0, metrics: 0 };
  /** What haproxy has printed. */
  log = "";
  #engine: Server | undefined;
  #proxy: ChildProcess | undefined;

  /** The gateway's master process, which a reload is asked of. */
  get pid(): number {
    return this.#proxy?.pid ?? 0;
  }

  /** Starts both, and waits until the gateway's health check of the engine has passed where `ready` says so. */
  async start(answers: RequestListener, ready = true): Promise<void> {
    this.#engine = createServer(answers).listen(0, "127.0.0.1");
    const engine = this.#engine;
    await new Promise((done) => engine.once("listening", done));
    Object.assign(this.ports, { public: await freePort(), metrics: await freePort() });
    const text = gatewayConfig(
      { ...settings, port: this.ports.public, metricsPort: this.ports.metrics },
      this.paths,
    );
    const enginePort = (engine.address() as AddressInfo).port;
    writeFileSync(this.paths.config, text.replace("127.0.0.1:18000", `127.0.0.1:${enginePort}`));
    writeFileSync(this.paths.keys, keysMap({ team: this.key }), { mode: 0o600 });
    const hash = createHash("sha256").update(this.probeKey).digest("hex");
    writeFileSync(this.paths.probe, `${hash} racksmith-probe\n`, { mode: 0o600 });
    writeFileSync(join(this.dir, "probe.key"), this.probeKey, { mode: 0o600 });
    this.#proxy = spawn("haproxy", ["-W", "-f", this.paths.config], { stdio: ["ignore", "pipe", "pipe"] });
    const collect = (part: Buffer) => {
      this.log += part;
    };
    this.#proxy.stdout?.on("data", collect);
    this.#proxy.stderr?.on("data", collect);
    const wanted = (status: number) => (ready ? status === 200 : status > 0);
    const answering = () =>
      this.ask("GET", "/health").then(
        ({ status }) => wanted(status),
        () => false,
      );
    await vi.waitUntil(answering, { timeout: 10_000, interval: 100 });
  }

  async stop(): Promise<void> {
    const proxy = this.#proxy;
    proxy?.kill("SIGTERM");
    this.#engine?.closeAllConnections();
    this.#engine?.close();
    await new Promise((done) => (proxy ? proxy.once("exit", done) : done(0)));
    rmSync(this.dir, { recursive: true });
  }

  ask(
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
        { host: "127.0.0.1", port: this.ports.public, method, path, headers, agent: false },
        (answer) => {
          let body = "";
          answer.on("data", (part) => (body += part));
          answer.on("error", reject);
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body, headers: answer.headers }));
        },
      );
      call.on("error", reject);
      call.end(options.body);
    });
  }

  /** Runs functions of the node's scripts against this gateway. Not synchronously: the engine lives in here. */
  async bash(
    steps: string,
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ out: string; err: string; rc: number | null }> {
    const sources = ["../lib.sh", "common.sh", "gateway.sh", "swap.sh"].map(
      (file) => `. "${scripts}/${file}"`,
    );
    const child = spawn("bash", ["-c", `set -euo pipefail; ${sources.join("; ")}; ${steps}`], {
      env: {
        ...process.env,
        gateway_dir: this.dir,
        gateway_socket: this.paths.socket,
        gateway_scheme: "http",
        gateway_host: "127.0.0.1",
        gateway_port: String(this.ports.public),
        served_name: "tiny",
        ...env,
      },
    });
    const said = { out: "", err: "" };
    child.stdout.on("data", (part) => (said.out += part));
    child.stderr.on("data", (part) => (said.err += part));
    const rc = await new Promise<number | null>((done) => child.once("close", done));
    return { ...said, rc };
  }
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
