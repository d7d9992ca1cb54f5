import { createServer, type Socket } from "node:net";

import { expect, spyOn, test } from "bun:test";

import { EngineConnection } from "../../../src/executors/redis/engine-connection.ts";

test("a server that accepts connections and says nothing is waited for", async () => {
  const { setTimeout: after } = globalThis;
  // The client gives a silent connection up after 7 s.
  const soon = spyOn(globalThis, "setTimeout").mockImplementation(((
    work: () => void,
    ms?: number,
  ) => after(work, ms === 7_000 ? 1 : ms)) as typeof setTimeout);
  const sockets: Socket[] = [];
  const { promise: triedAgain, resolve: tried } = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    if (sockets.push(socket) === 3) tried();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  const stop = new AbortController();
  try {
    const wait = { waiting: () => undefined, signal: stop.signal };
    const opened = EngineConnection.open(`redis://127.0.0.1:${address.port}`, undefined, wait);
    await Promise.race([opened, triedAgain]);
    stop.abort(new Error("stopped"));
    const failure: unknown = await opened.catch((thrown: unknown) => thrown);
    expect(failure).toBe(stop.signal.reason);
  } finally {
    soon.mockRestore();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
