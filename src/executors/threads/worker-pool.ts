// The worker pool: keeps each worker topped up, moves tasks that wait behind a long one to an idle worker, and replaces
// workers that are lost. It knows assignments, not the graph.

import { systemClock, type Timer } from "../../base/clock.ts";
import type { Failure } from "../../base/failure.ts";
import { Promise } from "../../base/globals.ts";
import { type TaskId, type WorkerId, workerId } from "../../protocol/ids.ts";
import type { RunInfo } from "../../protocol/messages.ts";
import type { TagSet } from "../../protocol/tags.ts";
import type {
  CreateExecutors,
  Executors,
  ExecutorsEvents,
  ExecutorsOptions,
} from "../executors.ts";
import { idleSlots, moveSize } from "./prefetch.ts";
import { LabelWatch } from "./label-watch.ts";
import { type LiveState, PoolWorker, type WorkerEvents, type WorkerThread } from "./worker.ts";

/** How long the workers may take to close the database. */
const closeReadersMs = 1_000;
/** How long a killed thread may take to end. */
const closeWaitMs = 100;
/** Delay before a thread that ended by itself without a task is replaced. It doubles each time in a row. */
const idleDeathDelayMs = 100;
const maxIdleDeaths = 8;

/** Executors that run tasks in the threads that `spawn` starts. */
export const threadExecutors =
  (spawn: () => WorkerThread): CreateExecutors =>
  (options, events) =>
    new WorkerPool(spawn, options, events);

export class WorkerPool implements Executors {
  readonly #spawn: () => WorkerThread;
  readonly #options: ExecutorsOptions;
  readonly #events: ExecutorsEvents;
  readonly #workerEvents: WorkerEvents;
  readonly #workers = new Map<WorkerId, PoolWorker>();
  readonly #timers = new Set<Timer>();
  readonly #labels = new LabelWatch({
    workers: () => this.#workers.values(),
    stuck: (worker, task, failure) => this.kill(worker, failure, task),
  });
  /** Task definitions whose `label` gave no label. */
  readonly #unlabelled = new Set<string>();
  #nextWorkerId = 0;
  #run: RunInfo | undefined;
  /** A worker that is lost is not replaced any more. */
  #isEnding = false;
  /** Threads in a row that ended by themselves while no task ran in them. */
  #idleDeaths = 0;
  /** Set while workers are asked to close the database. */
  #readersClosed: PromiseWithResolvers<void> | undefined;

  constructor(spawn: () => WorkerThread, options: ExecutorsOptions, events: ExecutorsEvents) {
    this.#spawn = spawn;
    this.#options = options;
    this.#events = events;
    this.#workerEvents = {
      attach: (port) => events.attach(port),
      reported: (worker, ended) => this.#reported(worker, ended),
      readerClosed: () => this.#settleReaders(),
      broken: (failure) => events.broken(failure),
      noLabel: (task, line) => this.#noLabel(task, line),
      output: (level, line) => events.output(level, line),
      gone: (worker, from, failure) => this.#gone(worker, from, failure),
    };
  }

  start(): void {
    const { workers, concurrency } = this.#options;
    for (let i = 0; i < workers; i++) {
      this.#add(Math.floor(concurrency / workers) + (i < concurrency % workers ? 1 : 0));
    }
  }

  #add(slots: number): void {
    const id = workerId(this.#nextWorkerId++);
    const { programs } = this.#options;
    const worker = new PoolWorker(id, slots, this.#spawn(), programs, this.#workerEvents);
    this.#workers.set(id, worker);
    worker.boot(this.#options);
    if (this.#run !== undefined) worker.begin(this.#run);
  }

  begin(run: RunInfo): void {
    this.#run = run;
    if (this.#options.hasLabels) this.#labels.begin();
    for (const worker of this.#workers.values()) worker.begin(run);
  }

  // ── tasks ──

  dispatch(ready: number): void {
    const share = Math.ceil(ready / Math.max(this.#workers.size, 1));
    for (const worker of this.#workers.values()) this.#topUp(worker, share);
    if (ready === 0) for (const worker of this.#workers.values()) this.#rebalance(worker);
  }

  #reported(worker: PoolWorker, ended: number): void {
    if (ended > 0) this.#idleDeaths = 0;
    this.#topUp(worker, Number.POSITIVE_INFINITY);
    this.#rebalance(worker);
    this.#events.toppedUp();
  }

  #topUp(worker: PoolWorker, share: number): void {
    const size = worker.topUpSize(share);
    if (size > 0) worker.assign(this.#events.take(worker.id, size, idleSlots(worker)));
  }

  /** An idle worker gets half of what waits in the worker where most does. */
  #rebalance(worker: PoolWorker): void {
    if (!worker.isIdle) return;
    let richest: PoolWorker | undefined;
    let most = 0;
    for (const other of this.#workers.values()) {
      const waiting = other === worker ? 0 : other.waiting;
      if (waiting <= most) continue;
      most = waiting;
      richest = other;
    }
    if (richest === undefined) return;
    const tasks = richest.takeBack(moveSize(worker, most));
    this.#events.moved(
      tasks.map(({ id }) => id),
      worker.id,
    );
    worker.assign(tasks);
  }

  get isQuiet(): boolean {
    return this.#timers.size === 0 && this.#workers.values().every(({ isQuiet }) => isQuiet);
  }

  /** The threads of one machine are all alike. */
  readonly missingTags: readonly TagSet[] = [];

  /** How long a task takes on average, ms; undefined until one has ended. */
  get averageMs(): number | undefined {
    const known = [...this.#workers.values()].flatMap(({ averageMs }) => averageMs ?? []);
    if (known.length === 0) return undefined;
    return known.reduce((sum, averageMs) => sum + averageMs, 0) / known.length;
  }

  whereIs(id: TaskId, worker: WorkerId): "running" | "held" | "elsewhere" {
    return this.#workers.get(worker)?.whereIs(id) ?? "elsewhere";
  }

  takeBackAll(): TaskId[] {
    return [...this.#workers.values()].flatMap((worker) => worker.takeBack().map(({ id }) => id));
  }

  cancel(): void {
    this.#isEnding = true;
    for (const worker of this.#workers.values()) worker.cancel();
  }

  /** Each worker finds out by itself. */
  #noLabel(task: string, line: string): void {
    if (this.#unlabelled.has(task)) return;
    this.#unlabelled.add(task);
    this.#events.output("warn", line);
  }

  // ── workers that end ──

  kill(id: WorkerId, failure: Failure, culprit?: TaskId): void {
    const worker = this.#workers.get(id);
    if (worker?.kill(failure, culprit) === true) this.#after(closeWaitMs, () => worker.abandon());
  }

  killAll(failure: Failure): void {
    for (const id of this.#workers.keys()) this.kill(id, failure);
  }

  #gone(worker: PoolWorker, from: LiveState["type"], failure: Failure): void {
    this.#workers.delete(worker.id);
    this.#settleReaders();
    if (from === "loading") {
      const message = `${failure.message}, while it loaded the pipeline's module`;
      return this.#events.broken({ ...failure, message });
    }
    const lost = worker.lost(failure);
    this.#events.lost(lost);
    const isIdleDeath = from !== "leaving" && lost.running.length === 0;
    if (!this.#isEnding) this.#replace(worker.slots, isIdleDeath, failure);
  }

  /**
   * At once where a task ended its thread: that costs the task an attempt. A thread that ends by itself while no task
   * runs in it costs nothing, and would do so for ever.
   */
  #replace(slots: number, isIdleDeath: boolean, failure: Failure): void {
    if (!isIdleDeath) return this.#add(slots);
    this.#idleDeaths++;
    if (this.#idleDeaths > maxIdleDeaths) {
      const message = `${failure.message}, and so did ${maxIdleDeaths} others before it, while no task ran in them; something that the pipeline's module starts ends its thread`;
      return this.#events.broken({ ...failure, message });
    }
    this.#after(idleDeathDelayMs * 2 ** (this.#idleDeaths - 1), () => this.#add(slots));
  }

  #after(ms: number, work: () => void): void {
    const timer = systemClock.after(ms, () => {
      this.#timers.delete(timer);
      work();
      this.#events.toppedUp();
    });
    this.#timers.add(timer);
  }

  // ── the run's end ──

  async closeReaders(): Promise<void> {
    this.#isEnding = true;
    for (const worker of this.#workers.values()) worker.closeReader();
    this.#readersClosed = Promise.withResolvers<void>();
    const { promise, resolve } = this.#readersClosed;
    this.#settleReaders();
    const late = systemClock.after(closeReadersMs, () => {
      for (const { id, isClosing } of this.#workers.values()) {
        if (isClosing) this.kill(id, notClosed);
      }
      resolve();
    });
    await promise;
    systemClock.cancel(late);
  }

  #settleReaders(): void {
    if (!this.#workers.values().some(({ isClosing }) => isClosing)) this.#readersClosed?.resolve();
  }

  stop(): void {
    this.#isEnding = true;
    this.#labels.end();
    for (const timer of this.#timers) systemClock.cancel(timer);
    this.#timers.clear();
    for (const worker of this.#workers.values()) worker.stop();
    this.#workers.clear();
  }
}

const notClosed: Failure = {
  name: "WorkerExit",
  message: `it did not answer for ${closeReadersMs} ms at the run's end`,
};
