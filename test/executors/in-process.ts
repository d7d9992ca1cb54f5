// Executors without threads: the smallest thing that keeps the contract. Each worker is an object of this thread, with a
// connection to the writer of its own.

import { toFailure, type Failure } from "../../src/base/failure.ts";
import type {
  Executors,
  ExecutorsEvents,
  ExecutorsOptions,
} from "../../src/executors/executors.ts";
import { type TaskId, type WorkerId, workerId } from "../../src/protocol/ids.ts";
import type { Assignment } from "../../src/protocol/messages.ts";
import type { Outcome, TaskRecord } from "../../src/protocol/writer-records.ts";
import { creditsOf } from "../../src/protocol/shared/credits.ts";
import { WorkerMemory } from "../../src/protocol/shared/worker-memory.ts";
import type { Call } from "../support/control.ts";
import type { Harness } from "./contract.ts";

/** Tasks that a worker holds beyond those that run. */
const ahead = 8;

type Task = (worker: FakeWorker, id: TaskId, signal: AbortSignal) => Promise<unknown>;
type Tasks = Readonly<Record<string, Task>>;

class FakeWorker {
  readonly id: WorkerId;
  readonly slots: number;
  readonly memory: WorkerMemory;
  readonly #port: MessagePort;
  queue: Assignment[] = [];
  readonly running = new Map<TaskId, AbortController>();
  isGone = false;
  #acked: (() => void)[] = [];

  constructor(id: WorkerId, slots: number, events: ExecutorsEvents) {
    this.id = id;
    this.slots = slots;
    this.memory = WorkerMemory.create(slots);
    const { port1, port2 } = new MessageChannel();
    this.#port = port2;
    port2.onmessage = () => {
      for (const resolve of this.#acked.splice(0)) resolve();
    };
    events.attach({
      message: { type: "attach", workerId: id, port: port1, memory: this.memory.buffer },
      transfer: [port1],
    });
  }

  get room(): number {
    return this.slots + ahead - this.queue.length - this.running.size;
  }

  async send(record: TaskRecord): Promise<void> {
    const { credits } = this.memory;
    while (!credits.hasRoom) await new Promise<void>((resolve) => this.#acked.push(resolve));
    if (this.isGone) return;
    const text = JSON.stringify([record]);
    this.#port.postMessage(text);
    credits.spend(creditsOf(text.length));
  }

  /** What runs goes on: nobody hears of it any more. */
  end(): void {
    this.isGone = true;
    for (const controller of this.running.values()) controller.abort();
  }
}

class InProcessExecutors implements Executors {
  readonly #tasks: Tasks;
  readonly #options: ExecutorsOptions;
  readonly #events: ExecutorsEvents;
  readonly #workers = new Map<WorkerId, FakeWorker>();
  #nextId = 0;
  #hasBegun = false;
  #isEnding = false;

  constructor(tasks: Tasks, options: ExecutorsOptions, events: ExecutorsEvents) {
    this.#tasks = tasks;
    this.#options = options;
    this.#events = events;
  }

  readonly missingTags = [];

  start(): void {
    const { workers, concurrency, module } = this.#options;
    for (let i = 0; i < workers; i++) {
      this.#add(Math.floor((concurrency + workers - 1 - i) / workers));
    }
    this.#soon(() => {
      if (module.kind === "builtin") this.#events.broken({ name: "LoadError", message: "missing" });
      else this.#events.output("debug", "loading");
    });
  }

  #add(slots: number): void {
    const worker = new FakeWorker(workerId(this.#nextId++), slots, this.#events);
    this.#workers.set(worker.id, worker);
    this.#soon(() => this.#topUp(worker));
  }

  /** Later, as a message from elsewhere comes. Nothing comes once the executors have been stopped. */
  #soon(work: () => void): void {
    setImmediate(() => {
      if (this.#workers.size === 0) return;
      work();
      this.#events.toppedUp();
    });
  }

  begin(): void {
    this.#hasBegun = true;
    this.#soon(() => undefined);
  }

  dispatch(): void {
    for (const worker of this.#workers.values()) this.#topUp(worker);
  }

  #topUp(worker: FakeWorker): void {
    if (!this.#hasBegun || this.#options.module.kind === "builtin" || worker.isGone) return;
    if (worker.room > 0) {
      const idle = Math.max(worker.slots - worker.running.size - worker.queue.length, 0);
      worker.queue.push(...this.#events.take(worker.id, worker.room, idle));
    }
    if (worker.queue.length === 0) this.#moveTo(worker);
    while (worker.running.size < worker.slots) {
      const next = worker.queue.shift();
      if (next === undefined) break;
      void this.#run(worker, next);
    }
  }

  #moveTo(worker: FakeWorker): void {
    const [richest] = [...this.#workers.values()].toSorted(
      (a, b) => b.queue.length - a.queue.length,
    );
    if (richest === undefined || worker.running.size === worker.slots) return;
    const tasks = richest.queue.splice(Math.floor(richest.queue.length / 2));
    worker.queue.push(...tasks);
    this.#events.moved(
      tasks.map(({ id }) => id),
      worker.id,
    );
  }

  async #run(worker: FakeWorker, assignment: Assignment): Promise<void> {
    const { id, task, name, attempt, wantsResult } = assignment;
    const controller = new AbortController();
    worker.running.set(id, controller);
    const outcome = await this.#outcome(worker, assignment, controller.signal);
    if (worker.isGone) return;
    await worker.send({
      type: "finished",
      id,
      name,
      key: `${task}:${id}`,
      attempt,
      startedAt: 0,
      at: 1,
      outcome,
      wantsResult,
    });
    worker.running.delete(id);
    this.#soon(() => this.#topUp(worker));
  }

  async #outcome(
    worker: FakeWorker,
    { id, task }: Assignment,
    signal: AbortSignal,
  ): Promise<Outcome> {
    try {
      if (task === "exit") return this.#exited(worker);
      const result = await this.#tasks[task]?.(worker, id, signal);
      return { status: "done", result: JSON.stringify(result ?? null) };
    } catch (thrown) {
      return { status: signal.aborted ? "cancelled" : "error", failure: toFailure(thrown) };
    }
  }

  #exited(worker: FakeWorker): Outcome {
    const failure = { name: "WorkerExit", message: "the task ended its worker" };
    this.#lose(worker, failure);
    return { status: "error", failure };
  }

  #lose(worker: FakeWorker, failure: Failure): void {
    if (worker.isGone) return;
    const running = [...worker.running.keys()];
    const unbegun = new Set(worker.queue.map(({ id }) => id));
    worker.end();
    this.#soon(() => {
      this.#workers.delete(worker.id);
      const sent = worker.memory.credits.sent();
      this.#events.lost({ workerId: worker.id, running, unbegun, sent, failure });
      if (!this.#isEnding) this.#add(worker.slots);
    });
  }

  takeBackAll(): TaskId[] {
    return [...this.#workers.values()].flatMap(({ queue }) => queue.splice(0).map(({ id }) => id));
  }

  cancel(): void {
    this.#isEnding = true;
    for (const { running } of this.#workers.values()) {
      for (const controller of running.values()) controller.abort();
    }
  }

  kill(id: WorkerId, failure: Failure): void {
    const worker = this.#workers.get(id);
    if (worker !== undefined) this.#lose(worker, failure);
  }

  killAll(failure: Failure): void {
    for (const id of this.#workers.keys()) this.kill(id, failure);
  }

  async closeReaders(): Promise<void> {
    this.#isEnding = true;
  }

  stop(): void {
    for (const worker of this.#workers.values()) worker.end();
    this.#workers.clear();
  }

  get isQuiet(): boolean {
    return this.#workers
      .values()
      .every(({ isGone, queue, running }) => !isGone && queue.length + running.size === 0);
  }

  whereIs(id: TaskId, worker: WorkerId): "running" | "held" | "elsewhere" {
    const found = this.#workers.get(worker);
    if (found?.running.has(id) !== true) return "elsewhere";
    return found.memory.credits.hasRoom ? "running" : "held";
  }
}

/** Gates of tasks in this thread. */
class Gates {
  readonly #calls: Call[] = [];
  readonly #waiting: ((call: Call) => void)[] = [];

  get waiting(): number {
    return this.#calls.length;
  }

  async next(): Promise<Call> {
    const call = this.#calls.shift();
    return call ?? new Promise<Call>((resolve) => this.#waiting.push(resolve));
  }

  readonly gate: Task = async (_, id, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const gone = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => {
      gone.resolve();
      reject(signal.reason);
    });
    const call: Call = {
      name: "gate",
      input: id,
      gone: gone.promise,
      finish: (value) => resolve(value),
      fail: (message) => reject(new Error(message)),
    };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#calls.push(call);
    else waiting(call);
    return promise;
  };
}

const chatty: Task = async (worker, id) => {
  const line = "x".repeat(100_000);
  for (let i = 0; i < 42; i++) {
    await worker.send({ type: "log", id, name: "chatty", attempt: 1, at: 0, level: "info", line });
  }
};

export function inProcess(): Harness {
  const gates = new Gates();
  const tasks: Tasks = { done: async () => null, gate: gates.gate, chatty };
  return {
    create: (options, events) => new InProcessExecutors(tasks, options, events),
    module: { kind: "file", path: "/in-process.ts", export: "default" },
    nextGate: () => gates.next(),
    get waitingGates() {
      return gates.waiting;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
