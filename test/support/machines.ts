// Programs that work together through a Redis of their own: runs and workers of the executable.

import { type RedisServer, startRedis } from "./redis-server.ts";
import { type Child, executable, newRig, type Rig } from "./rig.ts";

export const engineKey = "the key of these tests";

/** A rig, a Redis, and the programs that use both. */
export class Machines implements AsyncDisposable {
  readonly rig: Rig;
  readonly redis: RedisServer;
  readonly #children: Child[] = [];

  constructor(rig: Rig, redis: RedisServer) {
    this.rig = rig;
    this.redis = redis;
  }

  static async open(...redisArguments: readonly string[]): Promise<Machines> {
    return new Machines(newRig(), await startRedis(...redisArguments));
  }

  /**
   * @param before words before the program's
   * @param url another way to the same Redis
   */
  start(
    args: readonly string[],
    key = engineKey,
    before: readonly string[] = [],
    url = this.redis.url,
  ): Child {
    const command = [...before, executable, ...args, "--engine", url];
    const child = Bun.spawn(command, {
      cwd: this.rig.path,
      env: { ...process.env, NO_COLOR: "1", PIPELOOM_ENGINE_KEY: key },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#children.push(child);
    return child;
  }

  worker(...args: readonly string[]): Child {
    return this.start(["worker", ...args]);
  }

  run(...args: readonly string[]): Child {
    return this.start(["run", "pipeline.ts", "--db", "test.db", ...args]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#children.map((child) => child.exited));
    await this.redis[Symbol.asyncDispose]();
    await this.rig[Symbol.asyncDispose]();
  }
}

/** Reads a child's stderr until it has said all of this. @returns all that it has said */
export async function until(child: Child, ...words: readonly string[]): Promise<string> {
  let said = "";
  for await (const text of child.stderr
    .pipeThrough(new TextDecoderStream(), {
      preventCancel: true,
    })
    .values({ preventCancel: true })) {
    said += text;
    if (words.every((each) => said.includes(each))) return said;
  }
  throw new Error(`it ended without "${words.join(", ")}": ${said}`);
}

/** Two tasks that wait until the test lets them go on. */
export const gates = `
  const gate = task({ name: "gate", async run({ i }, ctx) {
    await ctx.insert("seen", [{ i, attempt: ctx.attempt }]);
    await step("gate", i, ctx.signal);
    return i;
  } });
  export default pipeline({
    name: "p",
    schema: "CREATE TABLE IF NOT EXISTS seen (i INTEGER, attempt INTEGER)",
    tasks: () => [gate({ i: 1 }), gate({ i: 2 })],
  });
`;
