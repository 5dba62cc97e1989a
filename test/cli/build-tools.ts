// Runs buildTools in a process of its own, so that a test can kill it: stdin the tools, argv the cache.
import { text } from "node:stream/consumers";
import { buildTools } from "../../cli/engine/build.ts";
import { messageOf } from "../../cli/errors.ts";

try {
  console.log(await buildTools(JSON.parse(await text(process.stdin)), process.argv[2] ?? ""));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
