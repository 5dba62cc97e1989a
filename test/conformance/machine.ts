import { type ChildProcess, spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import { must } from "../../cli/process.ts";
import { type Connection, connectionSchema } from "../../config/connection.ts";
import { freePorts, isFree } from "../../rack/ports.ts";
import { makeKey } from "../support/ssh-server.ts";
import { tool } from "./tools.ts";

const SCRIPT = fileURLToPath(new URL("./machine.sh", import.meta.url));

/** A real sshd, Docker engine and registry on the loopback, for one test file. */
export class Machine {
  readonly folder: string;
  readonly sshPort: number;
  readonly registryPort: number;
  readonly userKey = makeKey();
  /** A server has keys of several kinds. */
  readonly hostKeys = [makeKey(), makeKey("ecdsa")];
  /** The engine as a test looks at it, beside the plugin. */
  readonly docker: Docker;
  #process: ChildProcess | undefined;

  private constructor(folder: string, [sshPort = 0, registryPort = 0]: number[]) {
    this.folder = folder;
    this.sshPort = sshPort;
    this.registryPort = registryPort;
    this.docker = new Docker({ socketPath: join(folder, "docker.sock") });
  }

  static async start(): Promise<Machine> {
    const folder = await mkdtemp(join(tmpdir(), "racksmith-docker-"));
    const machine = new Machine(folder, await freePorts([undefined, undefined], new Set()));
    await machine.#configure();
    await machine.boot();
    return machine;
  }

  /** Begins with what the folder holds: the first time, and after `halt`. */
  async boot(): Promise<void> {
    const programs = [tool("dockerd"), tool("sshd"), tool("docker-registry")];
    const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    this.#process = spawn(tool("unshare"), [...namespaces, SCRIPT, this.folder, ...programs], {
      stdio: "ignore",
      detached: true,
    });
    for (let waitedMs = 0; !(await this.#ready()); waitedMs += 200) {
      if (waitedMs > 60_000 || this.#process.exitCode !== null)
        throw new Error(`the Docker host did not come up:\n${await this.log()}`);
      await sleep(200);
    }
  }

  /** Ends everything at once, as a power cut does. */
  async halt(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (!running || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once("close", resolve));
    running.kill("SIGKILL");
    await ended;
    for (let tries = 0; tries < 50 && !(await isFree(this.sshPort)); tries++) await sleep(100);
  }

  async stop(): Promise<void> {
    for (const { Id } of await this.docker.listContainers({ all: true }).catch(() => []))
      await this.docker
        .getContainer(Id)
        .remove({ force: true })
        .catch(() => undefined);
    await this.halt();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** How racksmith reaches it; `changes` come on top. */
  connection(changes: Record<string, unknown> = {}): Connection {
    return connectionSchema.parse({
      name: "docker-host",
      address: "127.0.0.1",
      port: this.sshPort,
      user: "root",
      hostKeys: this.hostKeys.map((key) => key.public),
      privateKeyFile: join(this.folder, "user_key"),
      connectTimeoutSeconds: 10,
      ...changes,
    });
  }

  /** Pushes a busybox image with that label to the registry, and nowhere else. Returns `host/name@sha256:…`. */
  async image(label: string): Promise<string> {
    const root = join(this.folder, `image-${label}`);
    await mkdir(join(root, "bin"), { recursive: true });
    await copyFile(tool("busybox"), join(root, "bin/busybox"));
    await must("tar", "tar", ["-C", root, "-cf", `${root}.tar`, "bin"]);
    const name = `127.0.0.1:${this.registryPort}/conformance`;
    const changes = ['ENTRYPOINT ["/bin/busybox"]', `LABEL made=${label}`, "ENV IMAGE_SAYS=hello"];
    const { docker } = this;
    const imported = { repo: name, tag: label, changes };
    await lines(docker, await docker.importImage(createReadStream(`${root}.tar`), imported));
    const image = docker.getImage(`${name}:${label}`);
    // The registry asks for no login; the engine wants the header all the same.
    const said = await lines(docker, await image.push({ authconfig: { username: "", password: "" } }));
    await image.remove();
    const digest = said.map((line) => line.aux?.Digest).find((it) => it !== undefined);
    if (!digest) throw new Error(`the push said no digest:\n${JSON.stringify(said)}`);
    return `${name}@${digest}`;
  }

  async log(): Promise<string> {
    const texts = ["dockerd", "sshd", "registry"].map(async (name) => {
      const text = await readFile(join(this.folder, `${name}.log`), "utf8").catch(() => "");
      return `${name}: ${text.split("\n").slice(-8).join("\n")}`;
    });
    return (await Promise.all(texts)).join("\n");
  }

  async #ready(): Promise<boolean> {
    if (await isFree(this.sshPort)) return false;
    if (await isFree(this.registryPort)) return false;
    return this.docker.ping().then(
      () => true,
      () => false,
    );
  }

  async #configure(): Promise<void> {
    const secret = { mode: 0o600 };
    const hostKeys = this.hostKeys.map(
      (key, n) => [join(this.folder, `host_key_${n}`), key.private] as const,
    );
    for (const [file, text] of hostKeys) await writeFile(file, text, secret);
    await writeFile(join(this.folder, "user_key"), this.userKey.private, secret);
    await writeFile(join(this.folder, "authorized_keys"), `${this.userKey.public}\n`);
    await writeFile(
      join(this.folder, "sshd_config"),
      [
        `ListenAddress 127.0.0.1:${this.sshPort}`,
        ...hostKeys.map(([file]) => `HostKey ${file}`),
        `AuthorizedKeysFile ${join(this.folder, "authorized_keys")}`,
        "PidFile none",
        "PermitRootLogin prohibit-password",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        // The folder lies below /tmp, which sshd would call too open.
        "StrictModes no",
        "UsePAM no",
        "MaxStartups 100",
        "",
      ].join("\n"),
    );
    const registry = {
      version: "0.1",
      log: { level: "warn", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(this.folder, "registry") } },
      http: { addr: `127.0.0.1:${this.registryPort}` },
    };
    await writeFile(join(this.folder, "registry.json"), JSON.stringify(registry));
  }
}

/** What a long request of the engine reports, line by line; rejects with the error that it reports. */
function lines(docker: Docker, stream: NodeJS.ReadableStream): Promise<{ aux?: { Digest?: string } }[]> {
  return new Promise((resolve, reject) =>
    docker.modem.followProgress(stream, (error, said) => (error ? reject(error) : resolve(said))),
  );
}
