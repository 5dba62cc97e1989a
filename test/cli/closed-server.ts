import { generateKeyPairSync } from "node:crypto";
import type { AddressInfo } from "node:net";
import ssh2 from "ssh2";
import { makeKey } from "../support/ssh-server.ts";

const servers: ssh2.Server[] = [];

/** Ends every server of this file's tests. */
export function closeServers(): void {
  for (const server of servers.splice(0)) server.close();
}

export const newKey = (kind: "ed25519" | "rsa") =>
  kind === "rsa"
    ? generateKeyPairSync("rsa", {
        modulusLength: 2048,
        privateKeyEncoding: { type: "pkcs1", format: "pem" },
        publicKeyEncoding: { type: "spki", format: "pem" },
      }).privateKey
    : makeKey().private;

/** A real SSH server in this process that lets nobody in. */
export async function sshServer(hostKeys: string[], port = 0): Promise<number> {
  const logins: string[] = [];
  const server = new ssh2.Server({ hostKeys }, (client) => {
    client.on("authentication", (login) => {
      logins.push(login.username);
      login.reject();
    });
    client.on("error", () => {});
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
