// A web server that can do everything wrong: each request gets the next answer (the last one again and again), raw.

import { createServer, type Socket } from "node:net";

/** @param breakAt breaks the connection when the client has seen so many bytes of the file */
export type Answer = (socket: Socket, request: string, breakAt: (bytes: number) => void) => void;

export type RawServer = Disposable & {
  readonly url: string;
  readonly requests: readonly string[];
  /**
   * The client has so many bytes of the file in hand. Bun's fetch drops what it has not handed out when a connection
   * breaks, so a server that broke it by itself would be ahead by chance.
   */
  readonly seen: (bytes: number) => void;
};

export async function rawServer(...answers: Answer[]): Promise<RawServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const breaks = new Map<Socket, number>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      const request = data.toString("latin1");
      requests.push(request);
      const answer = answers[Math.min(requests.length, answers.length) - 1];
      answer?.(socket, request, (bytes) => breaks.set(socket, bytes));
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}/file.bin`,
    requests,
    seen(bytes) {
      for (const [socket, at] of breaks) {
        if (bytes < at) continue;
        breaks.delete(socket);
        socket.destroy();
      }
    },
    [Symbol.dispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

export const head = (line: string, headers: Readonly<Record<string, string>>): string =>
  `HTTP/1.1 ${line}\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}connection: close\r\n\r\n`;

/** A whole answer. */
export const status =
  (
    line: string,
    headers: Readonly<Record<string, string>> = {},
    body: string | Buffer = "",
  ): Answer =>
  (socket) => {
    socket.write(head(line, { "content-length": String(Buffer.byteLength(body)), ...headers }));
    socket.end(body);
  };

/** Announces all of `body`, and sends its beginning; the connection breaks when that has arrived. */
export const cutOff =
  (body: Buffer, bytes: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  (socket, _, breakAt) => {
    breakAt(bytes);
    socket.write(head("200 OK", { "content-length": String(body.length), ...headers }));
    socket.write(body.subarray(0, bytes));
  };

/** The message of what a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "no failure";
}
