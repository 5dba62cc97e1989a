import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Stands between client and server, and fails as networks do. */
export class TcpProxy {
  connections = 0;
  #server: Server;
  #pairs = new Set<readonly [Socket, Socket]>();
  #targetPort: number;
  #port = 0;
  #hung = false;
  #cutAfterBytes = Number.POSITIVE_INFINITY;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    await proxy.#listen(0);
    return proxy;
  }

  async #listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get port(): number {
    return this.#port;
  }

  #accept(client: Socket): void {
    this.connections++;
    const server = connect(this.#targetPort, "127.0.0.1");
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    const end = () => {
      client.destroy();
      server.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of pair) {
      socket.on("error", end);
      socket.on("close", end);
    }
    client.on("data", (data) => {
      if (!this.#hung) server.write(data);
    });
    server.on("data", (data) => {
      if (this.#hung) return;
      this.#cutAfterBytes -= data.length;
      if (this.#cutAfterBytes > 0) client.write(data);
      else {
        this.#cutAfterBytes = Number.POSITIVE_INFINITY;
        end();
      }
    });
  }

  /** Every open connection goes at once. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** The next connection goes after so many bytes to the client. */
  cutAfter(bytes: number): void {
    this.#cutAfterBytes = bytes;
  }

  /** Nothing passes any more, and nobody is told. */
  hang(hung = true): void {
    this.#hung = hung;
  }

  /** Later connections go to another port. */
  redirect(targetPort: number): void {
    this.#targetPort = targetPort;
  }

  /** Stops listening: connections are refused until `listenAgain`. */
  async refuse(): Promise<number> {
    const port = this.port;
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
    return port;
  }

  async listenAgain(port: number): Promise<void> {
    this.#server = createServer((client) => this.#accept(client));
    await this.#listen(port);
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
