// One worker: its thread, the memory that it shares with the writer and main, and the batches that it holds.

import { systemClock } from "../../base/clock.ts";
import type { Failure } from "../../base/failure.ts";
import { channels } from "../../base/globals.ts";
import { signalGroup } from "../../base/process-group.ts";
import { assertNever } from "../../base/unreachable.ts";
import { type AnswerQuery, answerQueries, type QueryLine } from "../../protocol/asked-query.ts";
import { packAssignments } from "../../protocol/codec/assignments.ts";
import type { TaskId, WorkerId } from "../../protocol/ids.ts";
import type { Assignment, FromWorker, RunInfo, ToWorker } from "../../protocol/messages.ts";
import { maxBatches } from "../../protocol/shared/claims.ts";
import type { Programs } from "../../protocol/shared/programs.ts";
import { WorkerMemory } from "../../protocol/shared/worker-memory.ts";
import type { ExecutorsEvents, ExecutorsOptions, LostWorker } from "../executors.ts";
import { averageOf, idleSlots, type Load, topUpSize } from "./prefetch.ts";

/** A thread as its worker sees it; a test gives its own. */
export interface WorkerThread {
  postMessage(message: ToWorker, transfer: MessagePort[]): void;
  terminate(): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  addEventListener(type: "close", listener: (event: CloseEvent) => void): void;
}

export type WorkerEvents = Pick<ExecutorsEvents, "attach" | "broken" | "output"> & {
  /** The worker can take tasks: it has loaded the module, or `ended` tasks have left its slots. */
  reported(worker: PoolWorker, ended: number): void;
  readerClosed(): void;
  /** The `label` of a task definition gave no label. */
  noLabel(task: string, line: string): void;
  /** @param from the state in which the thread ended */
  gone(worker: PoolWorker, from: LiveState["type"], failure: Failure): void;
};

/**
 *     loading ─▶ ready ─▶ closing ─▶ closed
 *        └─────────┴─────────┴─────────┴─▶ leaving ─▶ gone
 *
 * A thread may end by itself in any state: its worker is then `gone` at once.
 */
export type LiveState =
  /** The thread loads the module, or waits for `begin`. */
  | { readonly type: "loading" }
  | { readonly type: "ready" }
  /** Asked to close its database, and has not answered. */
  | { readonly type: "closing" }
  | { readonly type: "closed" }
  /** Ended on purpose; the thread may still run. */
  | { readonly type: "leaving"; readonly failure: Failure };

type State = LiveState | { readonly type: "gone" };

type Batch = { readonly number: number; readonly tasks: Assignment[] };

/** A program starts within milliseconds, unless its file system does not answer. */
const startingMs = 1000;
const startingLookMs = 2;

export class PoolWorker implements Load {
  readonly id: WorkerId;
  readonly slots: number;
  readonly #thread: WorkerThread;
  readonly #programs: Programs;
  readonly #events: WorkerEvents;
  readonly #memory: WorkerMemory;
  #state: State = { type: "loading" };
  #crash: Failure | undefined;
  #culprit: TaskId | undefined;
  #outstanding = 0;
  #averageMs: number | undefined;
  #batches: Batch[] = [];
  #nextBatch = 1;
  /** See ExecutorsOptions. */
  #clockAheadMs = 0;

  constructor(
    id: WorkerId,
    slots: number,
    thread: WorkerThread,
    programs: Programs,
    events: WorkerEvents,
  ) {
    this.id = id;
    this.slots = slots;
    this.#thread = thread;
    this.#programs = programs;
    this.#events = events;
    this.#memory = WorkerMemory.create(slots);
    thread.onmessage = (event) => this.#receive(event.data as FromWorker);
    thread.onerror = (event) => {
      event.preventDefault();
      this.#crash = { name: "WorkerCrash", message: event.message };
    };
    thread.addEventListener("close", ({ code }) => this.#ended(code));
  }

  boot(options: ExecutorsOptions): void {
    const { module, sources, db, secrets, maxInput, answerQuery, clockAheadMs = 0 } = options;
    this.#clockAheadMs = clockAheadMs;
    const { id: workerId, slots } = this;
    const { port1, port2 } = channels.open();
    const memory = this.#memory.buffer;
    this.#events.attach({
      message: { type: "attach", workerId, port: port1, memory },
      transfer: [port1],
    });
    const programs = this.#programs.buffer;
    const queries = answerQuery === undefined ? undefined : queryLine(answerQuery);
    this.#thread.postMessage(
      {
        type: "boot",
        module,
        sources,
        db,
        secrets,
        maxInput,
        workerId,
        slots,
        memory,
        programs,
        port: port2,
        clockAheadMs,
        ...(queries === undefined ? {} : { queries }),
      },
      queries === undefined ? [port2] : [port2, queries.port],
    );
  }

  begin(run: RunInfo): void {
    this.#thread.postMessage({ type: "begin", run }, []);
  }

  /** Aborts all that runs here. */
  cancel(): void {
    this.#thread.postMessage({ type: "cancel", ids: "all", reason: "cancelled" }, []);
  }

  // ── tasks ──

  get outstanding(): number {
    return this.#outstanding;
  }

  get averageMs(): number | undefined {
    return this.#averageMs;
  }

  /** Waits for tasks and holds none. A worker reports an exhausted batch also when all of it was taken back. */
  get isQuiet(): boolean {
    return this.#state.type === "ready" && this.#outstanding === 0 && this.#batches.length === 0;
  }

  get #takesBatch(): boolean {
    return this.#state.type === "ready" && this.#batches.length < maxBatches - 1;
  }

  /** How many tasks to ask for (prefetch.ts). */
  topUpSize(share: number): number {
    return this.#takesBatch ? topUpSize(this, share) : 0;
  }

  get isIdle(): boolean {
    return this.#takesBatch && idleSlots(this) > 0;
  }

  /** Unclaimed tasks beyond the slots: the worker claims the others itself when it reads its messages. */
  get waiting(): number {
    const { claims } = this.#memory;
    const unclaimed = this.#batches.reduce((sum, { number }) => sum + claims.unclaimed(number), 0);
    return Math.min(unclaimed, this.#outstanding - this.slots);
  }

  assign(tasks: Assignment[]): void {
    if (tasks.length === 0) return;
    const number = this.#nextBatch++;
    this.#batches.push({ number, tasks });
    this.#outstanding += tasks.length;
    this.#memory.claims.open(number, tasks.length);
    const at = systemClock.wall() - this.#clockAheadMs;
    const packed = packAssignments(tasks);
    this.#thread.postMessage({ type: "assign", batch: number, tasks: packed, at }, []);
  }

  /** Takes back up to `most` unclaimed tasks, the last assigned ones. */
  takeBack(most = Number.POSITIVE_INFINITY): Assignment[] {
    const taken: Assignment[] = [];
    for (const batch of this.#batches.toReversed()) {
      const count = this.#memory.claims.takeBack(batch.number, most - taken.length);
      if (count === 0) continue;
      taken.unshift(...batch.tasks.splice(batch.tasks.length - count, count));
      this.#outstanding -= count;
    }
    return taken;
  }

  /** The task whose `label` is being called. */
  get labelling(): { readonly id: TaskId; readonly task: string } | undefined {
    const [id] = this.#memory.labelling.list();
    if (id === undefined) return undefined;
    const tasks = this.#batches.flatMap((batch) => batch.tasks);
    return { id, task: tasks.find((assigned) => assigned.id === id)?.task ?? `#${id}` };
  }

  whereIs(id: TaskId): "running" | "held" | "elsewhere" {
    const { runningIds, credits } = this.#memory;
    if (!runningIds.list().includes(id)) return "elsewhere";
    return credits.hasRoom ? "running" : "held";
  }

  #receive(message: FromWorker): void {
    if (message.type === "output") return this.#events.output(message.level, message.line);
    if (message.type === "no-label") return this.#events.noLabel(message.task, message.line);
    if (this.#state.type === "gone") return;
    switch (message.type) {
      case "ready":
        if (this.#state.type === "loading") this.#state = { type: "ready" };
        return this.#events.reported(this, 0);
      case "free":
        return this.#freed(message);
      case "reader-closed":
        if (this.#state.type === "closing") this.#state = { type: "closed" };
        return this.#events.readerClosed();
      case "broken":
        return this.#events.broken(message.failure);
      default:
        assertNever(message);
    }
  }

  #freed({ count, exhausted, busyMs }: Extract<FromWorker, { type: "free" }>): void {
    this.#outstanding -= count;
    this.#batches = this.#batches.filter(({ number }) => number > exhausted);
    if (count > 0) this.#averageMs = averageOf(this.#averageMs, busyMs / count);
    this.#events.reported(this, count);
  }

  // ── the end ──

  /** A worker that is still loading has not opened the database. */
  closeReader(): void {
    if (this.#state.type !== "ready") return;
    this.#state = { type: "closing" };
    this.#thread.postMessage({ type: "close-reader" }, []);
  }

  get isClosing(): boolean {
    return this.#state.type === "closing";
  }

  /**
   * Ends the thread. False when it is being ended already.
   * @param culprit see LostWorker
   */
  kill(failure: Failure, culprit?: TaskId): boolean {
    if (this.#state.type === "leaving" || this.#state.type === "gone") return false;
    this.#culprit = culprit;
    this.#state = { type: "leaving", failure };
    this.#end();
    return true;
  }

  /** A killed thread in a blocking system call ends when the call returns: nobody waits for that. */
  abandon(): void {
    this.#ended(0);
  }

  /** Ends the thread without an event. */
  stop(): void {
    this.#state = { type: "gone" };
    this.#end();
  }

  /** Reads the shared memory of a thread that has ended, or has nothing left to send. */
  lost(failure: Failure): LostWorker {
    return {
      workerId: this.id,
      running: this.#memory.runningIds.list(),
      unbegun: new Set(this.takeBack().map(({ id }) => id)),
      sent: this.#memory.credits.sent(),
      failure,
      ...(this.#culprit === undefined ? {} : { culprit: this.#culprit }),
    };
  }

  #ended(code: number): void {
    this.#endPrograms();
    this.#programs.clear(this.id);
    const state = this.#state;
    if (state.type === "gone") return;
    this.#state = { type: "gone" };
    const exit = { name: "WorkerExit", message: `the Worker thread ended with code ${code}` };
    const failure = state.type === "leaving" ? state.failure : (this.#crash ?? exit);
    this.#events.gone(this, state.type, failure);
  }

  /** Waits for a program that the thread is about to start: it would have no owner. */
  #end(until = systemClock.now() + startingMs): void {
    this.#endPrograms();
    if (this.#programs.isStarting(this.id) && systemClock.now() < until) {
      systemClock.after(startingLookMs, () => this.#end(until));
      return;
    }
    this.#endPrograms();
    this.#thread.terminate();
  }

  /** The thread, which would end them itself, has ended or is about to. */
  #endPrograms(): void {
    for (const pid of this.#programs.running(this.id)) {
      signalGroup(pid, "SIGKILL");
      this.#programs.delete(pid);
    }
  }
}

/** The thread's end of a line on which it asks for `ctx.query`. */
function queryLine(answer: AnswerQuery): QueryLine {
  const { port1, port2 } = channels.open();
  const answers = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  answerQueries({ port: port1, answers }, answer);
  return { port: port2, answers };
}
