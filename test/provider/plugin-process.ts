import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as grpc from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import { encode, type WireObject } from "../../provider/server/codec.ts";

/** A process that prints a plugin's port on its first line, started as the engine would. */
export class PluginProcess {
  readonly child: ChildProcess;
  readonly #client: providerGrpc.ResourceProviderClient;

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.#client = new providerGrpc.ResourceProviderClient(
      `127.0.0.1:${port}`,
      grpc.credentials.createInsecure(),
    );
  }

  /** Runs a JavaScript module in a Node of its own. */
  static async start(module: string, env: NodeJS.ProcessEnv = {}): Promise<PluginProcess> {
    const flags = [
      "--experimental-strip-types",
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
    ];
    const child = spawn(process.execPath, [...flags, "--eval", module], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let port = "";
    for await (const chunk of child.stdout) {
      port += chunk;
      if (port.endsWith("\n")) break;
    }
    if (!/^\d+\n$/.test(port)) throw new Error(`no port but: ${port}`);
    return new PluginProcess(child, Number(port));
  }

  /** Creates a Toy. Returns the error that the engine would get, if any. */
  create(name: string, inputs: WireObject): Promise<grpc.ServiceError | undefined> {
    const request = new provider.CreateRequest();
    request.setUrn(`urn:pulumi:test::toys::racksmith:index:Toy::${name}`);
    request.setProperties(encode(inputs));
    return new Promise((resolve) => this.#client.create(request, (error) => resolve(error ?? undefined)));
  }

  /** kill -9, and waits for the end of it. */
  async kill(): Promise<void> {
    this.#client.close();
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await gone;
  }
}
