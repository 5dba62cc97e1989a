/**
 * Serves a folder over HTTP on the loopback: `node serve.ts ROOT PORT`. The package repository of the rack,
 * as a process of its own that outlives the command which started it. GET /.serves names the folder, so that
 * whoever finds the port taken can tell whether by this.
 */
import { createServer } from "node:http";
import send from "send";

const [root = "", port = ""] = process.argv.slice(2);

const server = createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://rack").pathname;
  if (path === "/.serves") {
    response.end(root);
    return;
  }
  send(request, path, { root, index: false, dotfiles: "deny" })
    .on("error", (error: Error & { status?: number }) => {
      response.statusCode = error.status ?? 500;
      response.end();
      if (response.statusCode >= 500) console.error(`${request.method} ${path}: ${error.message}`);
    })
    .pipe(response);
});
server.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
// Only the workstation itself and its nodes (QEMU connects for them) reach the loopback.
server.listen(Number(port), "127.0.0.1");
