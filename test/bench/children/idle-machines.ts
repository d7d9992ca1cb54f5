// So many machines in one process, without threads: each joins every run, and holds what it gets. Says `ready` when they wait for
// runs, and `joined` when all of them take leases of one.

import {
  type CreateExecutors,
  type Executors,
  type ExecutorsEvents,
  type ExecutorsOptions,
} from "../../../src/executors/executors.ts";
import { EngineConnection } from "../../../src/executors/redis/engine-connection.ts";
import { EngineKey } from "../../../src/executors/redis/engine-key.ts";
import { Machine } from "../../../src/executors/redis/machine/machine.ts";
import { MachineName } from "../../../src/executors/redis/machine/machine-name.ts";
import { workerId } from "../../../src/protocol/ids.ts";
import { WorkerMemory } from "../../../src/protocol/shared/worker-memory.ts";
import { version } from "../../../src/version.ts";

const [url = "", count = ""] = process.argv.slice(2);
const key = EngineKey.from(process.env["PIPELOOM_ENGINE_KEY"]);
const worker = workerId(0);
let joined = 0;

class NoThreads implements Executors {
  readonly averageMs = undefined;
  readonly isQuiet = true;
  readonly missingTags = [];
  readonly #options: ExecutorsOptions;
  readonly #events: ExecutorsEvents;

  constructor(options: ExecutorsOptions, events: ExecutorsEvents) {
    this.#options = options;
    this.#events = events;
  }

  start(): void {
    const { port1 } = new MessageChannel();
    const memory = WorkerMemory.create(this.#options.concurrency).buffer;
    const message = { type: "attach", workerId: worker, port: port1, memory } as const;
    this.#events.attach({ message, transfer: [port1] });
    setImmediate(() => this.dispatch());
    if (++joined === Number(count)) console.log("joined");
  }

  dispatch(): void {
    this.#events.take(worker, 1, 1);
  }

  takeBackAll(): [] {
    return [];
  }

  whereIs(): "elsewhere" {
    return "elsewhere";
  }

  begin(): void {}
  cancel(): void {}
  kill(): void {}
  killAll(): void {}
  async closeReaders(): Promise<void> {}
  stop(): void {}
}

const createPool = (...args: Parameters<CreateExecutors>) => new NoThreads(...args);

async function open(): Promise<void> {
  const connection = await EngineConnection.open(url);
  new Machine({
    connection,
    key,
    version,
    name: await MachineName.take(connection, "bench"),
    threads: 1,
    slots: 1,
    tags: [],
    createPool,
    say: () => undefined,
  }).start();
}

/** Connections that are opened at once. */
const atOnce = 50;
for (let opened = 0; opened < Number(count); opened += atOnce) {
  const some = Math.min(atOnce, Number(count) - opened);
  await Promise.all(Array.from({ length: some }, open));
}
console.log("ready");
