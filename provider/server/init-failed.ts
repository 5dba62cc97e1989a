import * as grpc from "@grpc/grpc-js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import status from "@pulumi/pulumi/proto/status_pb.js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import { encode, type WireObject } from "./codec.ts";

/**
 * The act of creating had begun when it failed: the resource is recorded, so that the next run mends it and a
 * removal from the program removes it.
 */
export class InitFailed extends Error {
  readonly id: string;
  readonly outputs: WireObject;
  readonly inputs: WireObject;

  constructor(id: string, inputs: WireObject, outputs: WireObject, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "InitFailed";
    this.id = id;
    this.inputs = inputs;
    this.outputs = outputs;
  }
}

/** Go's gRPC knows error details; here they are packed by hand, as the SDK does. */
export function initFailedStatus(error: InitFailed): Partial<grpc.StatusObject> {
  // Well-formed: gRPC cannot send half a surrogate pair.
  const message = error.message.toWellFormed();
  const detail = new provider.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setInputs(encode(error.inputs));
  detail.setProperties(encode(error.outputs));
  detail.setReasonsList([message]);
  const packed = new any.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const answer = new status.Status();
  answer.setCode(grpc.status.UNKNOWN);
  answer.setMessage(message);
  answer.addDetails(packed);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(answer.serializeBinary()));
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}
