// Debian's redis-server on a private port, with a folder of its own. `await using redis = await startRedis()` ends it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** PIPELOOM_REDIS, e.g. `valkey-server`, or Redis. */
const program = process.env["PIPELOOM_REDIS"] ?? "redis-server";

export const hasRedis = Bun.which(program) !== null;

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "pipeloom-redis-"));
  readonly #arguments: readonly string[];
  #process: Bun.Subprocess | undefined;

  constructor(port: number, more: readonly string[]) {
    this.port = port;
    this.#arguments = more;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    if (this.#process === undefined) throw new Error("Redis was not started");
    return this.#process.pid;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const { port } = this;
    const where = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", this.#folder];
    this.#process = Bun.spawn([program, ...where, "--save", "", ...this.#arguments], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    while (!(await answers(port))) await Bun.sleep(5);
  }

  /** Stopped, it keeps its connections and answers nothing. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(signal);
  }

  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** @param more arguments of redis-server */
export async function startRedis(...more: readonly string[]): Promise<RedisServer> {
  const server = new RedisServer(freePort(), more);
  await server.start();
  return server;
}

function freePort(): number {
  using listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: () => undefined },
  });
  return listener.port;
}

async function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  try {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_, data) => resolve(/^(?:\+PONG|-NOAUTH)/.test(data.toString())),
        close: () => resolve(false),
        error: () => resolve(false),
      },
    });
    socket.write("PING\r\n");
    const isUp = await promise;
    socket.end();
    return isUp;
  } catch {
    return false;
  }
}
