// A way to a server on this machine that can go silent without closing: as a network that is cut, or a firewall that has forgotten
// its connections.

import { createConnection, createServer, type Server, type Socket } from "node:net";

export class TcpProxy implements Disposable {
  readonly #server: Server;
  readonly #port: number;
  #pairs: (readonly [Socket, Socket])[] = [];
  readonly #silent: Socket[] = [];
  /** New connections are accepted, and lead nowhere. */
  isCut = false;

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((socket) => this.#connected(socket));
  }

  /** @param port of the server */
  static async open(port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(port);
    const { promise, resolve } = Promise.withResolvers<void>();
    proxy.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("the proxy has no port");
    return address.port;
  }

  #connected(socket: Socket): void {
    socket.on("error", () => undefined);
    if (this.isCut) {
      this.#silent.push(socket);
      return;
    }
    const server = createConnection(this.#port, "127.0.0.1");
    server.on("error", () => socket.destroy());
    server.on("close", () => socket.destroy());
    socket.on("close", () => server.destroy());
    socket.on("data", (data) => server.write(data));
    server.on("data", (data) => socket.write(data));
    this.#pairs.push([socket, server]);
  }

  /** Nothing of the connections that there are comes through any more, and neither end hears of it. */
  silence(): void {
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        socket.removeAllListeners("data").removeAllListeners("close").pause();
        this.#silent.push(socket);
      }
    }
    this.#pairs = [];
  }

  [Symbol.dispose](): void {
    this.#server.close();
    for (const socket of [...this.#silent, ...this.#pairs.flat()]) socket.destroy();
  }
}
