import * as grpc from "@grpc/grpc-js";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { decode, encode } from "./codec.ts";
import { detailedDiff } from "./detailed-diff.ts";
import { engineLog } from "./engine.ts";
import type { PluginFactory, PluginHandlers, ResourceRequest } from "./handlers.ts";
import { InitFailed, initFailedStatus } from "./init-failed.ts";

type Unary<Q, A> = (request: Q, signal: AbortSignal) => Promise<A>;

/** No bound of gRPC's own on a message: manifests of weights can be large. */
const MESSAGE_BYTES = 400 * 1024 * 1024;

/** How often to see whether the engine still lives, in ms. One that was killed tells nobody. */
const ENGINE_POLL_MS = 2_000;

/**
 * Serves one plugin to the engine until the engine ends it, or ends itself: prints the port on stdout, as the engine
 * expects, and takes the engine's own address from argv.
 */
export async function serve(factory: PluginFactory, argv = process.argv): Promise<void> {
  const engine = argv.slice(2).find((word) => !word.startsWith("-"));
  // One run by hand has no engine, and may outlive the shell that started it.
  if (engine) endWithParent();
  const handlers = factory(engineLog(engine));
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES,
    "grpc.max_send_message_length": MESSAGE_BYTES,
  });
  const cancelled = new AbortController();
  server.addService(providerGrpc.ResourceProviderService, service(handlers, cancelled));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  process.stdout.write(`${port}\n`);
}

/**
 * Ends this process once its parent, the engine, is gone: nobody waits for an answer then, and the lock of the stack
 * is free, so that the next act, upload or reboot of this run might meet those of another. At once, without `cancel`,
 * which leaves acts time to end and would let others begin: the host takes closed connections for cut ones, on which
 * what has begun there goes on alone.
 */
function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1);
  }, ENGINE_POLL_MS).unref();
}

function service(handlers: PluginHandlers, cancelled: AbortController): grpc.UntypedServiceImplementation {
  const on = <Q, A>(work: Unary<Q, A>) => unary(work, cancelled.signal);
  return {
    getPluginInfo: on(async () => {
      const info = new pluginMessages.PluginInfo();
      info.setVersion(handlers.version);
      return info;
    }),
    getSchema: on(async () => {
      const response = new provider.GetSchemaResponse();
      response.setSchema(
        handlers.schema?.() ?? JSON.stringify({ name: handlers.name, version: handlers.version }),
      );
      return response;
    }),
    checkConfig: on(async (request: provider.CheckRequest) => {
      const response = new provider.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),
    diffConfig: on(async () => new provider.DiffResponse()),
    configure: on(async (request: provider.ConfigureRequest) => {
      const args = request.getArgs();
      await handlers.configure?.(
        args ? decode(args) : Object.fromEntries(request.getVariablesMap().toArray()),
      );
      const response = new provider.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setAcceptresources(false);
      response.setAcceptoutputs(false);
      response.setSupportspreview(true);
      return response;
    }),
    check: on(async (request: provider.CheckRequest, signal) => {
      const { inputs, failures } = await handlers.check(
        resourceRequest(request, false, signal),
        decode(request.getOlds()),
        decode(request.getNews()),
      );
      const response = new provider.CheckResponse();
      response.setInputs(encode(inputs));
      response.setFailuresList(
        failures.map(({ property, reason }) => {
          const failure = new provider.CheckFailure();
          failure.setProperty(property);
          failure.setReason(reason);
          return failure;
        }),
      );
      return response;
    }),
    diff: on(async (request: provider.DiffRequest, signal) =>
      detailedDiff(
        await handlers.diff(
          resourceRequest(request, false, signal),
          request.getId(),
          decode(request.getOlds()),
          decode(request.getNews()),
          decode(request.getOldInputs()),
        ),
      ),
    ),
    create: on(async (request: provider.CreateRequest, signal) => {
      const made = await handlers.create(
        resourceRequest(request, request.getPreview(), signal),
        decode(request.getProperties()),
      );
      const response = new provider.CreateResponse();
      response.setId(made.id);
      response.setProperties(encode(made.outputs));
      return response;
    }),
    read: on(async (request: provider.ReadRequest, signal) => {
      const found = await handlers.read(
        resourceRequest(request, false, signal),
        request.getId(),
        decode(request.getProperties()),
        decode(request.getInputs()),
      );
      const response = new provider.ReadResponse();
      if (!found) return response;
      response.setId(found.id);
      response.setProperties(encode(found.outputs));
      response.setInputs(encode(found.inputs));
      return response;
    }),
    update: on(async (request: provider.UpdateRequest, signal) => {
      const updated = await handlers.update(
        resourceRequest(request, request.getPreview(), signal),
        request.getId(),
        decode(request.getOlds()),
        decode(request.getNews()),
      );
      const response = new provider.UpdateResponse();
      response.setProperties(encode(updated));
      return response;
    }),
    delete: on(async (request: provider.DeleteRequest, signal) => {
      await handlers.delete(
        resourceRequest(request, false, signal),
        request.getId(),
        decode(request.getProperties()),
        decode(request.getOldInputs()),
      );
      return new empty.Empty();
    }),
    cancel: on(async () => {
      cancelled.abort(new Error("cancelled"));
      await handlers.cancel?.();
      return new empty.Empty();
    }),
  };
}

function unary<Q, A>(work: Unary<Q, A>, signal: AbortSignal) {
  return (call: grpc.ServerUnaryCall<Q, A>, done: grpc.sendUnaryData<A>): void => {
    work(call.request, signal)
      .then(
        (answer) => done(null, answer),
        (error: unknown) => done(statusOf(error)),
      )
      // Unhandled, it would end the process, and with it the work on every other host.
      .catch((failure: unknown) => unanswerable(failure, done));
  };
}

function statusOf(error: unknown): Partial<grpc.StatusObject> {
  return error instanceof InitFailed
    ? initFailedStatus(error)
    : { code: grpc.status.UNKNOWN, details: textOf(error) };
}

function unanswerable<A>(failure: unknown, done: grpc.sendUnaryData<A>): void {
  const details = `the answer to the engine could not be put together: ${textOf(failure)}`;
  try {
    done({ code: grpc.status.INTERNAL, details });
  } catch {
    process.stderr.write(`${details}\n`);
  }
}

/** Well-formed: gRPC cannot send half a surrogate pair. */
function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).toWellFormed();
}

function resourceRequest(
  request: { getUrn(): string },
  preview: boolean,
  signal: AbortSignal,
): ResourceRequest {
  const urn = request.getUrn();
  // urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME, where the name may hold `::` itself.
  const [, , types = "", ...name] = urn.split("::");
  return { urn, type: types.split("$").at(-1) ?? "", name: name.join("::"), preview, signal };
}
