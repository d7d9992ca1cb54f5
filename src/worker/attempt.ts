// One attempt of one task: its state, its timers and its end. User code sees it through its task context
// (task-context.ts). What it sends is in sends.ts.

import { Promise } from "../base/globals.ts";
import type { QueryParam, TaskContext } from "../api/context.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { Failure } from "../base/failure.ts";
import { registry } from "../api/registry.ts";
import { thrownText } from "../base/stack.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { Mask } from "../protocol/mask.ts";
import {
  type Assignment,
  type CancelReason,
  leastWaitMs,
  type RunInfo,
} from "../protocol/messages.ts";
import type { DatabaseCall, Outcome, TaskRecord } from "../protocol/writer-records.ts";
import { storedInput } from "../protocol/stored-input.ts";
import { taskKey } from "../protocol/task-key.ts";
import { TaskEndedError, UnfinishedSourceError } from "./attempt-errors.ts";
import { AttemptLog } from "./attempt-log.ts";
import { AttemptProgress } from "./attempt-progress.ts";
import { Cancellation } from "./cancellation.ts";
import type { CpuSpan } from "./cpu-meter.ts";
import type { Labels } from "./labels.ts";
import type { FinishedRecord, RecordSender, Reporting } from "./record-sender.ts";
import { type SendDeps, Sends } from "./sends.ts";
import type { Unit } from "./unit.ts";
import type { SentCheckpoint, UnitSender } from "./unit-sender.ts";

/** What the attempts of a worker share. */
export type AttemptDeps = {
  readonly sender: RecordSender;
  readonly units: UnitSender;
  readonly mask: Mask | undefined;
  /** See stored-input.ts. */
  readonly maxInput: number;
  readonly labels: Labels;
  readonly clock: Clock;
  readonly run: Pick<TaskContext["run"], "id" | "pipeline"> & Pick<RunInfo, "slot">;
  /** See RunInfo. */
  readonly maxLogLines: number | null;
  /** See RunInfo. */
  readonly hasOwnTables: boolean;
  readonly params: TaskContext["params"];
  readonly query: (sql: string, params: readonly QueryParam[]) => unknown[];
  /** The attempt whose call failed with an error. The runtime reports unhandled rejections without their async context. */
  readonly failedIn: WeakMap<object, Attempt>;
};

/** How long the attempt waits for a source of rows that was not awaited, after the function has returned. */
const unawaitedMs = 10_000;

export class Attempt implements Reporting, SendDeps {
  readonly id: TaskId;
  readonly attempt: number;
  readonly assignment: Assignment;
  readonly deps: AttemptDeps;
  /** Wall time, epoch ms. */
  readonly startedAt: number;
  /** Monotonic, ms. */
  readonly #began: number;
  /** How the attempt ended. Its function may go on. */
  #ended: Outcome["status"] | undefined;
  #hasReturned = false;
  /** Rejects what `untilFailed` has returned, while there is something to reject. */
  #fail: ((thrown: unknown) => void) | undefined;
  /** Most attempts have no timeout, look at no signal and are not stopped. */
  #cancellation: Cancellation | undefined;
  #unawaitedTimer: Timer | undefined;
  /** Most attempts report none. */
  #progress: AttemptProgress | undefined;
  #sends: Sends | undefined;
  /** JSON text. */
  #cursor: string | undefined;
  #keyText: string | undefined;
  #hasQueried = false;
  #log: AttemptLog | undefined;
  /** Since when its CPU time is measured; undefined if it is not. */
  cpu: CpuSpan | undefined;
  /** How long the task was ready, of a first attempt. */
  readonly waitedMs: number | undefined;
  /** The author's. */
  label: string | undefined;
  /** Called when the author's function has ended. */
  onReturned: (() => void) | undefined;

  /**
   * @param began monotonic, ms
   * @param dispatchedAt epoch ms
   */
  constructor(assignment: Assignment, began: number, deps: AttemptDeps, dispatchedAt: number) {
    this.id = assignment.id;
    this.attempt = assignment.attempt;
    this.assignment = assignment;
    this.startedAt = deps.clock.wall();
    this.#began = began;
    this.waitedMs = assignment.attempt === 1 ? this.#waited(assignment, dispatchedAt) : undefined;
    this.#cursor = assignment.cursor;
    this.label = assignment.label;
    this.deps = deps;
  }

  #waited({ readyAt }: Assignment, dispatchedAt: number): number {
    const ms = this.startedAt - (readyAt ?? dispatchedAt);
    return ms < leastWaitMs ? 0 : ms;
  }

  // ── stopping ──

  get #stopping(): Cancellation {
    return (this.#cancellation ??= new Cancellation(this, this.deps.clock));
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  get stopReason(): CancelReason | undefined {
    return this.#cancellation?.reason;
  }

  stop(reason: CancelReason): void {
    this.#stopping.stop(reason);
  }

  startTimer(): void {
    const { timeoutMs } = this.assignment;
    if (timeoutMs !== undefined) this.#stopping.startTimer(timeoutMs);
  }

  /** True after the timeout, also when a busy thread kept the timer from firing. */
  get isOverdue(): boolean {
    const { timeoutMs } = this.assignment;
    return timeoutMs !== undefined && this.deps.clock.now() - this.#began > timeoutMs;
  }

  stopFailure(reason: CancelReason): Failure {
    const { name, message } = this.#stopping.error(reason);
    return { name, message };
  }

  // ── progress ──

  /** @param progress 0..1 */
  report(progress: number, message: string | undefined): void {
    this.#progress ??= new AttemptProgress(this, this.deps);
    this.#progress.report(progress, message);
  }

  /** To be called after a report. */
  progressRecord(): TaskRecord {
    if (this.#progress === undefined) throw new Error("Internal error: no progress was reported");
    return { type: "progress", id: this.id, ...this.#progress.take() };
  }

  // ── records ──

  get key(): string {
    return (this.#keyText ??= taskKey(this.assignment.task, this.assignment.input));
  }

  /** What the database says is no part of what a reused result depends on. */
  queries(by: DatabaseCall): void {
    if (this.#hasQueried) return;
    this.#hasQueried = true;
    const definition = registry.tasks.get(this.assignment.task);
    if (definition?.reuse === undefined) return;
    this.deps.sender.add({ type: "queried", id: this.id, key: this.key, by });
  }

  startedRecord(): TaskRecord {
    const { id, name, attempt, needs, position } = this.assignment;
    const { key, startedAt: at, waitedMs, label } = this;
    const { input } = this;
    return { type: "started", id, name, key, attempt, at, waitedMs, input, label, needs, position };
  }

  /** As it is stored. */
  get input(): string | undefined {
    const { maxInput, mask } = this.deps;
    return storedInput(this.assignment.input, maxInput, mask);
  }

  /** Created on first use: most attempts log nothing. */
  get log(): AttemptLog {
    return (this.#log ??= new AttemptLog(this));
  }

  // ── sends ──

  /** Runs a call that sends. Its promise rejects after the end of the attempt. */
  send(call: string, work: (sends: Sends) => Promise<void> | undefined): Promise<void> {
    const sends = (this.#sends ??= new Sends(this));
    return sends.call(() => {
      if (this.#ended === undefined) return work(sends);
      throw this.refuse(call);
    });
  }

  /** JSON text of a value of `ctx.state` that this attempt has set and that is not committed yet. */
  stateOf(key: string): string | undefined {
    return this.#sends?.stateOf(key);
  }

  /** JSON text of the last committed checkpoint; undefined when there is none. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  commit(unit: Unit, cursor: string, mayStart: () => boolean): Promise<SentCheckpoint | undefined> {
    return this.deps.units.checkpoint(this, unit, cursor, mayStart);
  }

  committed(cursor: string): void {
    this.#cursor = cursor;
  }

  callFailed(thrown: unknown): void {
    if (isObject(thrown)) this.deps.failedIn.set(thrown, this);
  }

  rejectionsReported(): Promise<void> {
    return new Promise((resolve) => this.deps.clock.soon(resolve));
  }

  /** The attempt waits for nothing but the author's function. */
  get areSendsSettled(): boolean {
    return this.#sends?.areSettled ?? true;
  }

  /** @throws the first failure of a send that the author has not handled */
  async settleSends(): Promise<void> {
    await this.#sends?.settle();
  }

  // ── the end ──

  /** How the attempt ended; undefined before. */
  get ended(): Outcome["status"] | undefined {
    return this.#ended;
  }

  get isEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** The author's function has ended. */
  get hasReturned(): boolean {
    return this.#hasReturned;
  }

  returned(): void {
    this.#hasReturned = true;
    this.onReturned?.();
    if (this.#ended !== undefined || this.areSendsSettled) return;
    this.#cancellation?.returned();
    this.#unawaitedTimer = this.deps.clock.after(unawaitedMs, () =>
      this.#sends?.stopSources(
        () =>
          new UnfinishedSourceError(
            `the task returned ${unawaitedMs / 1000} s ago, and a source of rows that it did not await has not ended; await the ctx.insert or ctx.upsert that reads it`,
          ),
      ),
    );
  }

  /** Settles as `work` does, unless the attempt fails first: by an uncaught error, or because it is given up. */
  untilFailed<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      work.then(resolve, reject);
    });
  }

  /** Fails the attempt with an error that nobody caught. After the end, the error is a log line. */
  crash(thrown: unknown): void {
    // The refused call has been reported already.
    if (thrown instanceof TaskEndedError) return;
    if (this.#fail === undefined) this.log.print("error", thrownText(thrown));
    else this.#fail(thrown);
  }

  /** The attempt has failed, but its function may go on: aborts its signal. */
  abandon(): void {
    if (!this.#hasReturned) this.#cancellation?.abandon();
  }

  /** Reports a call after the end in the log. Returns the error for its caller. */
  refuse(call: string): TaskEndedError {
    this.log.reportLate(call);
    return this.#refusal(call);
  }

  #refusal(call: string): TaskEndedError {
    return new TaskEndedError(
      `the task has ended (attempt ${this.attempt}: ${this.#ended}): ${call} does nothing any more; await what you send`,
    );
  }

  /** Wall time, epoch ms, unaffected by clock changes since the attempt began. */
  now(): number {
    return this.startedAt + Math.round(this.deps.clock.now() - this.#began);
  }

  /** Sends the outcome to the writer, with the unit if the task is done. Later sends are refused. */
  finish(at: number, outcome: Outcome): void | Promise<void> {
    if (this.#ended !== undefined) throw new Error("Internal error: an attempt has ended twice");
    const { clock, sender, units } = this.deps;
    this.#cancellation?.clear();
    if (this.#unawaitedTimer !== undefined) clock.cancel(this.#unawaitedTimer);
    this.#log?.end();
    this.#fail = undefined;
    this.#ended = outcome.status;
    const unit = this.#sends?.close(() => this.#refusal("what it has sent and not awaited"));
    const record = this.#finishedRecord(at, outcome);
    if (outcome.status !== "done" || unit === undefined || unit.isEmpty) {
      sender.finished(this, record);
      return;
    }
    return units.finish(this, unit, record);
  }

  #finishedRecord(at: number, outcome: Outcome): FinishedRecord {
    const { id, name, attempt, wantsResult, needs, position } = this.assignment;
    return {
      type: "finished",
      id,
      name,
      key: this.key,
      attempt,
      startedAt: this.startedAt,
      at,
      outcome,
      wantsResult,
      cpuMs: this.cpu?.ms,
      waitedMs: this.waitedMs,
      input: this.input,
      label: this.label,
      needs,
      position,
      ...this.#progress?.last,
    };
  }
}

const isObject = (value: unknown): value is object =>
  (typeof value === "object" && value !== null) || typeof value === "function";
