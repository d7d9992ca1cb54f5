// Threads that start while the module is loaded and the run is planned: they take as long as that, and have nothing to
// wait for until they are told what to load.

import { availableParallelism } from "node:os";

import { spawnTaskWorker, spawnWriter } from "../spawn.ts";

/** A plan of one task needs no more than one, so the others are started when it is known how many. */
const mostEarly = 2;

export class WarmThreads {
  readonly #writers: Worker[];
  readonly #taskWorkers: Worker[];

  /** @param workers as `--workers` says; undefined: as many as there are cores */
  constructor(workers: number | undefined) {
    this.#writers = [spawnWriter()];
    const early = Math.min(workers ?? availableParallelism(), mostEarly);
    this.#taskWorkers = Array.from({ length: early }, spawnTaskWorker);
  }

  readonly spawnWriter = (): Worker => this.#writers.shift() ?? spawnWriter();

  readonly spawnTaskWorker = (): Worker => this.#taskWorkers.shift() ?? spawnTaskWorker();

  /** Ends those that nobody has taken. */
  [Symbol.dispose](): void {
    for (const thread of [...this.#writers, ...this.#taskWorkers]) thread.terminate();
    this.#writers.length = 0;
    this.#taskWorkers.length = 0;
  }
}
