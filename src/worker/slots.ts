// Claims assigned tasks and runs them in the slots of this worker.

import { AsyncLocalStorage } from "node:async_hooks";

import { registry } from "../api/registry.ts";
import type { AnyTaskDefinition } from "../api/task-definition.ts";
import type { Clock } from "../base/clock.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { Assignment, CancelReason, FromWorker } from "../protocol/messages.ts";
import type { WorkerMemory } from "../protocol/shared/worker-memory.ts";
import type { CpuMeter } from "./cpu-meter.ts";
import { Attempt, type AttemptDeps } from "./attempt.ts";
import { execute } from "./execute.ts";
import type { RecordSender } from "./record-sender.ts";

/** A task that takes less than 20 ms on average gets no message for its start: its end follows before anyone looks. */
const shortMs = 20;
/** The CPU time of a task that takes less on average is not measured: to ask the system twice takes about 2 µs. */
const leastMeasuredMs = 1;
/** Longest time that short tasks run without a return to the event loop, where cancels and acks arrive. */
const sliceMs = 10;
/** EMA factor of a task's average duration. */
const averageFactor = 0.25;

/** `at`: when it was dispatched, epoch ms. */
type Batch = {
  readonly number: number;
  readonly tasks: readonly Assignment[];
  readonly at: number;
};

/** What has ended since the last report; see the `free` message. */
type FreeReport = Pick<Extract<FromWorker, { type: "free" }>, "count" | "exhausted" | "busyMs">;

type SlotsDeps = {
  readonly clock: Clock;
  readonly cpu: CpuMeter;
  readonly memory: WorkerMemory;
  readonly sender: RecordSender;
  report(free: FreeReport): void;
};

export class Slots {
  readonly count: number;
  readonly #deps: SlotsDeps;
  /** Set when the worker is ready. */
  #attemptDeps: AttemptDeps | undefined;
  readonly #batches: Batch[] = [];
  /** Of the batch that the last claimed task is from. */
  #dispatchedAt = 0;
  /** By slot. */
  readonly #running = new Map<number, Attempt>();
  readonly #idle: number[] = [];
  /** Attempts that have ended while their function goes on. What it does must not be attributed to another task. */
  readonly #strays = new Set<Attempt>();
  readonly #context = new AsyncLocalStorage<Attempt>();
  /** By task. */
  readonly #averageMs = new Map<string, number>();
  // For the next report.
  #finished = 0;
  #busyMs = 0;
  #exhausted = 0;
  #hasExhausted = false;

  constructor(count: number, deps: SlotsDeps) {
    this.count = count;
    this.#deps = deps;
    for (let slot = count - 1; slot >= 0; slot--) this.#idle.push(slot);
  }

  /** The worker is ready: from now on `fill` starts tasks. */
  open(attemptDeps: AttemptDeps): void {
    this.#attemptDeps = attemptDeps;
  }

  assign(batch: Batch): void {
    this.#batches.push(batch);
    this.fill();
  }

  cancel(ids: readonly TaskId[] | "all", reason: CancelReason): void {
    for (const attempt of this.#running.values()) {
      if (ids === "all" || ids.includes(attempt.id)) attempt.stop(reason);
    }
  }

  // ── which attempt runs ──

  get running(): readonly Attempt[] {
    return [...this.#running.values()];
  }

  /** The attempt whose code is running now, by its async context. */
  get current(): Attempt | undefined {
    return this.#context.getStore();
  }

  /** The only attempt whose code may run. */
  get only(): Attempt | undefined {
    if (this.#running.size !== 1 || this.#strays.size > 0) return undefined;
    const [only] = this.#running.values();
    return only;
  }

  // ── running ──

  /** Starts tasks while a slot is idle, a task can be claimed and the writer has room. */
  fill(): void {
    const attemptDeps = this.#attemptDeps;
    if (attemptDeps === undefined) return;
    const { clock, sender } = this.#deps;
    const until = clock.now() + sliceMs;
    while (this.#idle.length > 0 && sender.hasRoom) {
      const assignment = this.#claim();
      if (assignment === undefined) break;
      this.#run(assignment, attemptDeps);
      if (clock.now() > until) {
        clock.soon(() => this.fill());
        break;
      }
    }
    this.#report();
  }

  #claim(): Assignment | undefined {
    const { claims } = this.#deps.memory;
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      const index = claims.claim(batch.number);
      if (index >= 0) {
        this.#dispatchedAt = batch.at;
        return batch.tasks[index];
      }
      this.#batches.shift();
      this.#exhausted = batch.number;
      this.#hasExhausted = true;
    }
    return undefined;
  }

  #run(assignment: Assignment, attemptDeps: AttemptDeps): void {
    const slot = this.#idle.pop();
    if (slot === undefined) throw new Error("Internal error: a task without an idle slot");
    const { clock, cpu, memory, sender } = this.#deps;
    const began = clock.now();
    const definition = registry.tasks.get(assignment.task);
    const attempt = new Attempt(assignment, began, attemptDeps, this.#dispatchedAt);
    memory.runningIds.set(slot, assignment.id);
    this.#running.set(slot, attempt);
    if (definition?.label !== undefined) {
      // Main ends this thread if the label does not return (executors/threads/label-watch.ts).
      memory.labelling.set(0, assignment.id);
      this.#context.run(attempt, setLabel, attempt, definition);
      memory.labelling.clear(0);
    }
    const average = this.#averageMs.get(assignment.task);
    const isLong = average === undefined || average > shortMs || assignment.timeoutMs !== undefined;
    attempt.cpu = cpu.begin(average === undefined || average >= leastMeasuredMs);
    sender.started(attempt, isLong && sender.hasRoom);
    attempt.startTimer();
    const end = this.#context.run(attempt, execute, attempt, definition);
    if (end === undefined) this.#ended(slot, assignment, began);
    else {
      if (this.#running.size > 1 || this.#strays.size > 0) attempt.cpu?.share();
      void end.then(() => this.#endedLater(slot, attempt, began));
    }
  }

  #endedLater(slot: number, attempt: Attempt, began: number): void {
    if (!attempt.hasReturned) {
      this.#strays.add(attempt);
      attempt.onReturned = () => this.#strays.delete(attempt);
    }
    this.#ended(slot, attempt.assignment, began);
    this.fill();
  }

  #ended(slot: number, { task }: Assignment, began: number): void {
    const took = this.#deps.clock.now() - began;
    this.#deps.memory.runningIds.clear(slot);
    this.#running.delete(slot);
    this.#idle.push(slot);
    this.#finished++;
    this.#busyMs += took;
    const before = this.#averageMs.get(task) ?? took;
    this.#averageMs.set(task, before * (1 - averageFactor) + took * averageFactor);
  }

  /** One report for everything that has ended in this turn of the event loop. */
  #report(): void {
    if (this.#finished === 0 && !this.#hasExhausted) return;
    this.#deps.report({ count: this.#finished, exhausted: this.#exhausted, busyMs: this.#busyMs });
    this.#finished = 0;
    this.#busyMs = 0;
    this.#hasExhausted = false;
  }
}

/** Before the start is sent, which carries it. A label or a name of the node's own takes precedence. */
function setLabel(attempt: Attempt, definition: AnyTaskDefinition): void {
  const { label, name, task, input, isBare } = attempt.assignment;
  if (label !== undefined || name !== task) return;
  attempt.label = attempt.deps.labels.of(definition, isBare === true ? undefined : input);
}
