import { RackError } from "./errors.ts";
import { powerCut, resetNode, startNode, stopNode, unplugNode } from "./node/lifecycle.ts";
import { sshInteractive } from "./node/ssh.ts";
import { ensureServices } from "./services/index.ts";

const [verb, name = "entry-4090", ...rest] = process.argv.slice(2);
const start = Date.now();
const tell = (line: string) => console.log(`${((Date.now() - start) / 1000).toFixed(1)} ${line}`);
const options = { site: (await ensureServices(tell)).site, tell };
try {
  if (verb === "up") await startNode(name, options);
  else if (verb === "down") await stopNode(name, tell);
  else if (verb === "cut") await powerCut(name, options);
  else if (verb === "unplug") await unplugNode(name);
  else if (verb === "reset") await resetNode(name, tell);
  else if (verb === "ssh")
    process.exitCode = await sshInteractive(
      name,
      rest.filter((word) => word !== "--"),
      tell,
    );
  if (verb !== "ssh") tell("done");
} catch (error) {
  if (!(error instanceof RackError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
