import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ssh2 from "ssh2";
import { type Connection, type ConnectionInput, connectionSchema } from "../../config/connection.ts";
import { SCRIPTS_FOLDER } from "../../provider/ssh/scripts.ts";
import { TcpProxy } from "./tcp-proxy.ts";

const SHIMS = fileURLToPath(new URL("./bin", import.meta.url));

export interface KeyPair {
  private: string;
  public: string;
}

/** A key pair in OpenSSH's format. One in some hundreds that ssh2 makes is one that it cannot read. */
export function makeKey(type: "ed25519" | "ecdsa" = "ed25519"): KeyPair {
  for (;;) {
    const made =
      type === "ecdsa"
        ? ssh2.utils.generateKeyPairSync(type, { bits: 256 })
        : ssh2.utils.generateKeyPairSync(type);
    if (ssh2.utils.parseKey(made.private) instanceof Error) continue;
    return { private: made.private, public: made.public.split(" ").slice(0, 2).join(" ") };
  }
}

/** An SSH server in this process that runs commands for real, in local bash, inside a folder of its own. */
export class SshServer {
  readonly folder: string;
  /** Where scripts are installed: give it to `loadScripts`. */
  readonly library: string;
  userKey = makeKey();
  hostKey: KeyPair;
  proxy!: TcpProxy;
  /** Command lines that were run. */
  commands: string[] = [];
  /** Turns everybody away, as a machine that is still booting does. */
  nologin = false;
  /** Lets everybody in and answers no command, as a machine does whose system has not come up behind its sshd. */
  silent = false;
  /** Where the Docker engine's socket of this machine is, if it has one. */
  dockerSocket: string | undefined;
  /** Changes the environment of commands: FAKE_SUDO, … */
  readonly env: Record<string, string> = {};
  #server: ssh2.Server;

  private constructor(folder: string, hostKey: KeyPair) {
    this.folder = folder;
    this.library = join(folder, "lib");
    this.hostKey = hostKey;
    this.#server = this.#made();
  }

  #made(): ssh2.Server {
    return new ssh2.Server({ hostKeys: [this.hostKey.private] }, (client) => this.#serve(client));
  }

  async #listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** The machine comes back at the same address with a host key of its own, and what is on it. */
  async reinstall(): Promise<void> {
    this.#server.close();
    this.hostKey = makeKey();
    this.#server = this.#made();
    this.proxy.redirect(await this.#listen());
    this.proxy.cut();
  }

  static async start(options: { hostKey?: KeyPair; folder?: string } = {}): Promise<SshServer> {
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "racksmith-node-")));
    const server = new SshServer(folder, options.hostKey ?? makeKey());
    server.proxy = await TcpProxy.start(await server.#listen());
    return server;
  }

  /** How to reach it; `changes` come on top. */
  connectionInput(changes: Partial<ConnectionInput> = {}): ConnectionInput {
    return {
      name: "toy-host",
      address: "127.0.0.1",
      port: this.proxy.port,
      hostKeys: [this.hostKey.public],
      privateKey: this.userKey.private,
      ...changes,
    };
  }

  connection(changes: Partial<ConnectionInput> = {}): Connection {
    return connectionSchema.parse(this.connectionInput(changes));
  }

  get channels(): number {
    return this.commands.length;
  }

  #serve(client: ssh2.Connection): void {
    client.on("error", () => {});
    client.on("authentication", (context) => {
      const allowed = ssh2.utils.parseKey(this.userKey.public);
      if (allowed instanceof Error) throw allowed;
      if (
        this.nologin ||
        context.method !== "publickey" ||
        !context.key.data.equals(allowed.getPublicSSH())
      ) {
        return context.reject(["publickey"]);
      }
      if (context.signature && allowed.verify(context.blob!, context.signature, context.hashAlgo) !== true) {
        return context.reject(["publickey"]);
      }
      context.accept();
    });
    client.on("session", (accept) => {
      if (this.silent) return;
      accept().on("exec", (acceptExec, _reject, { command }) => this.#exec(acceptExec(), command));
    });
    client.on("openssh.streamlocal", (accept, reject, { socketPath }) => {
      if (this.dockerSocket === undefined || socketPath !== "/var/run/docker.sock") return reject();
      const socket = connect(this.dockerSocket);
      const channel = accept();
      channel.pipe(socket).pipe(channel);
      socket.on("error", () => channel.destroy());
      channel.on("error", () => socket.destroy());
    });
    // A jump host forwards.
    client.on("tcpip", (accept, reject, { destIP, destPort }) => {
      const socket = connect(destPort, destIP);
      socket.once("error", () => reject());
      socket.once("connect", () => {
        const channel = accept();
        channel.pipe(socket).pipe(channel);
        socket.on("error", () => channel.destroy());
        channel.on("error", () => socket.destroy());
      });
    });
  }

  #exec(channel: ssh2.ServerChannel, command: string): void {
    this.commands.push(command);
    const child = spawn("bash", ["-c", command], {
      env: {
        HOME: this.folder,
        PATH: `${SHIMS}:/usr/sbin:/usr/bin:/sbin:/bin`,
        RACKSMITH_RUN: join(this.folder, "run"),
        RACKSMITH_INCOMING: join(this.folder, "incoming"),
        TOY: join(this.folder, "toy"),
        ...this.env,
      },
    });
    channel.on("error", () => {});
    child.stdin.on("error", () => {});
    channel.pipe(child.stdin);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    // As sshd: a client that goes takes the pipes along, not the process.
    channel.once("close", () => {
      child.stdin.destroy();
      child.stdout.destroy();
      child.stderr.destroy();
    });
    child.once("close", (code, signal) => {
      if (signal !== null) channel.exit(signal.replace(/^SIG/, ""));
      else channel.exit(code ?? 255);
      channel.end();
    });
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      setTimeout(resolve, 500).unref();
    });
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The real dispatcher and lib.sh, with test/support/toy as the only noun. Returns the folder. */
export async function toyScripts(into: string): Promise<string> {
  const folder = join(into, "scripts");
  await mkdir(folder, { recursive: true });
  for (const name of ["run", "run-observe.sh", "run-receive.sh", "lib.sh", "apt.sh"])
    await cp(join(SCRIPTS_FOLDER, name), join(folder, name));
  await cp(fileURLToPath(new URL("./toy", import.meta.url)), join(folder, "toy"), { recursive: true });
  return folder;
}
