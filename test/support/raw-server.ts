// A web server that can misbehave: each request gets the next raw response; the last one repeats.

import { createServer, type Socket } from "node:net";

/** @param breakAt breaks the connection once the client has received this many bytes of the file */
export type Answer = (socket: Socket, request: string, breakAt: (bytes: number) => void) => void;

export type RawServer = Disposable & {
  readonly url: string;
  readonly requests: readonly string[];
  /**
   * The test reports how many bytes the client has received. When a connection breaks, Bun's fetch drops bytes that the
   * client has not read. Without this report, the break would be a race.
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

/** A complete response. */
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

/** Announces all of `body`, sends its beginning, and breaks the connection once the client has received that. */
export const cutOff =
  (body: Buffer, bytes: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  (socket, _, breakAt) => {
    breakAt(bytes);
    socket.write(head("200 OK", { "content-length": String(body.length), ...headers }));
    socket.write(body.subarray(0, bytes));
  };

/** The message of the promise's rejection. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "no failure";
}
