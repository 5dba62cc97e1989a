import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { PluginProcess } from "./plugin-process.ts";

const room = new URL("../../provider/server/", import.meta.url);
// Half an emoji, as a truncator leaves it.
const PLUGIN = `
import { serve } from "${room}serve.ts";
import { InitFailed } from "${room}init-failed.ts";
const create = async ({ name }) => {
  if (name === "plain") throw new Error("plain \\ud83d");
  if (name === "begun") throw new InitFailed("id", {}, {}, new Error("begun \\ud83d"));
  if (name === "odd") throw new InitFailed("id", null, {}, new Error("odd"));
  return { id: name, outputs: {} };
};
await serve(() => ({ name: "racksmith", version: "0.0.0", create }), []);
`;

test.each([
  ["plain", grpc.status.UNKNOWN, "plain \ufffd"],
  ["begun", grpc.status.UNKNOWN, "begun \ufffd"],
  ["odd", grpc.status.INTERNAL, "the answer to the engine could not be put together"],
])("an error that gRPC cannot send as it is does not end the provider: %s", async (name, code, details) => {
  const plugin = await PluginProcess.start(PLUGIN);
  try {
    const error = await plugin.create(name, {});
    expect(error).toMatchObject({ code, details: expect.stringContaining(details) });
    expect(await plugin.create("next", {})).toBeUndefined();
  } finally {
    await plugin.kill();
  }
});
