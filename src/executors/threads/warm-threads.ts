// Threads that are started before the run needs them: they start while the main thread loads the module and plans the run.

import { availableParallelism } from "node:os";

import { spawnTaskWorker, spawnWriter, type Thread as SpawnedThread } from "../../spawn.ts";

/** Task workers started early. The run starts the others once it knows how many tasks there are. */
const mostEarly = 2;

/** As many workers as any run has that is given no limit. */
export const earlyWorkers = (): number => Math.min(availableParallelism(), mostEarly);

type Spawners<Thread> = {
  readonly spawnWriter: () => Thread;
  readonly spawnTaskWorker: () => Thread;
};

/** The part of a thread that is used here. */
type WarmThread = {
  terminate(): void;
  addEventListener(type: "close", listener: () => void): void;
};

export class WarmThreads<Thread extends WarmThread = SpawnedThread> implements Disposable {
  readonly #spawners: Spawners<Thread>;
  readonly #writers = new Set<Thread>();
  readonly #taskWorkers = new Set<Thread>();

  /**
   * @param limits `--workers` and `--concurrency`; undefined when not given
   * @param spawners how threads are started; a test gives its own
   */
  constructor(limits: readonly (number | undefined)[], spawners: Spawners<Thread>) {
    this.#spawners = spawners;
    keep(this.#writers, spawners.spawnWriter());
    const given = limits.filter((limit) => limit !== undefined);
    const early = Math.min(earlyWorkers(), ...given);
    for (let i = 0; i < early; i++) keep(this.#taskWorkers, spawners.spawnTaskWorker());
  }

  readonly spawnWriter = (): Thread => taken(this.#writers) ?? this.#spawners.spawnWriter();

  readonly spawnTaskWorker = (): Thread =>
    taken(this.#taskWorkers) ?? this.#spawners.spawnTaskWorker();

  /** Ends the threads that nobody has taken. */
  [Symbol.dispose](): void {
    for (const thread of [...this.#writers, ...this.#taskWorkers]) thread.terminate();
    this.#writers.clear();
    this.#taskWorkers.clear();
  }
}

export const warmThreads = (...limits: readonly (number | undefined)[]): WarmThreads =>
  new WarmThreads(limits, { spawnTaskWorker, spawnWriter });

/** A thread that ends before it is taken is not handed out: its `close` event has passed, and nobody would notice. */
function keep<Thread extends WarmThread>(threads: Set<Thread>, thread: Thread): void {
  threads.add(thread);
  thread.addEventListener("close", () => threads.delete(thread));
}

function taken<Thread>(threads: Set<Thread>): Thread | undefined {
  for (const thread of threads) {
    threads.delete(thread);
    return thread;
  }
  return undefined;
}
