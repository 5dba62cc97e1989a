import * as grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";

export type Severity = "debug" | "info" | "warning" | "error";

/** The engine's side of the conversation: where messages to the person go. */
export interface EngineLog {
  /** Shown once, under the resource of that URN. */
  log(severity: Severity, message: string, urn?: string): void;
  /** Shown beside the resource while it is worked on, and replaced by the next one. */
  status(message: string, urn: string): void;
}

/** Connects to the engine's log service at that address; without one (a provider run by hand) stderr takes its place. */
export function engineLog(address: string | undefined): EngineLog {
  if (!address) {
    return {
      log: (severity, message) => void process.stderr.write(`${severity}: ${message}\n`),
      status: () => undefined,
    };
  }
  const client = new engineGrpc.EngineClient(address, grpc.credentials.createInsecure());
  const send = (severity: Severity, message: string, urn: string | undefined, ephemeral: boolean) => {
    const request = new engine.LogRequest();
    request.setSeverity(
      {
        debug: engine.LogSeverity.DEBUG,
        info: engine.LogSeverity.INFO,
        warning: engine.LogSeverity.WARNING,
        error: engine.LogSeverity.ERROR,
      }[severity],
    );
    request.setMessage(message.toWellFormed());
    request.setUrn(urn ?? "");
    request.setEphemeral(ephemeral);
    // An engine that is going away no longer listens: nothing of ours depends on it.
    client.log(request, () => undefined);
  };
  return {
    log: (severity, message, urn) => send(severity, message, urn, false),
    status: (message, urn) => send("info", message, urn, true),
  };
}
