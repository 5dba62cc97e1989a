/** llama-server's HTTP interface over node-llama-cpp: for the virtual rack, where a model runs on an emulated CPU. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { complete } from "./completions.ts";
import { ContextError, Engine } from "./engine.ts";
import { FlagError, parseFlags, type ServerFlags } from "./flags.ts";
import { Metrics } from "./metrics.ts";
import { BadRequest } from "./request.ts";

const log = (text: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
};

function flagsOrExit(): ServerFlags {
  try {
    return parseFlags(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

const flags = flagsOrExit();
const metrics = new Metrics();
const startedAt = Math.floor(Date.now() / 1000);
let engine: Engine | undefined;
let running = 0;

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
const failure = (response: ServerResponse, code: number, message: string, type: string): void =>
  json(response, code, { error: { code, message, type } });

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? "/", "http://server").pathname;
  if (engine === undefined) return failure(response, 503, "Loading model", "unavailable_error");
  const route = `${request.method} ${path}`;
  switch (route) {
    case "GET /health":
      return json(response, 200, { status: "ok" });
    case "GET /v1/models":
    case "GET /models":
      return json(response, 200, {
        object: "list",
        data: [{ id: flags.alias, object: "model", created: startedAt, owned_by: "llamacpp" }],
      });
    case "GET /metrics":
      if (!flags.metrics)
        return failure(
          response,
          501,
          "This server does not support metrics endpoint. Start it with `--metrics`",
          "not_supported_error",
        );
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4" });
      response.end(metrics.render());
      return;
    case "POST /v1/chat/completions":
      return await complete(engine, flags.alias, "chat", request, response);
    case "POST /v1/completions":
      return await complete(engine, flags.alias, "text", request, response);
    default:
      return failure(response, 404, "File Not Found", "not_found_error");
  }
}

function fail(response: ServerResponse, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  if (response.headersSent) return void response.destroy();
  if (error instanceof BadRequest) failure(response, 400, message, "invalid_request_error");
  else if (error instanceof ContextError) failure(response, 400, message, "exceed_context_size_error");
  else {
    log(`error: ${message}`);
    failure(response, 500, message, "server_error");
  }
}

const server = createServer((request, response) => {
  running++;
  response.on("close", () => running--);
  answer(request, response).catch((error: unknown) => fail(response, error));
});

/** Requests that run are finished; nothing new is taken. */
function drain(signal: string): void {
  log(`${signal}: finishing ${running} request(s)`);
  server.close(() => process.exit(0));
  server.closeIdleConnections();
}
process.once("SIGTERM", drain);
process.once("SIGINT", drain);

server.on("error", (error) => {
  log(`couldn't bind to ${flags.host}:${flags.port}: ${error.message}`);
  process.exit(1);
});
server.listen(flags.port, flags.host, () => {
  const address = server.address();
  log(
    `listening on ${typeof address === "object" && address !== null ? `${address.address}:${address.port}` : address}`,
  );
});
if (flags.gpuLayers > 0) log("warning: no usable GPU found, --gpu-layers option will be ignored");
try {
  engine = await Engine.load(flags, metrics);
} catch (error) {
  log(`error loading model ${flags.modelPath}: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
log(`model loaded: ${flags.alias}, ${flags.slots} slot(s) of ${engine.slotTokens} tokens`);
