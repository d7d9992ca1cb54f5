// One attempt of one task: the context that user code sees, and what it reports. What it sends is in sends.ts.

import { AbortController, Promise, JSON } from "../base/globals.ts";
import type { Log, QueryParam, TaskContext } from "../api/context.ts";
import type { Failure } from "../base/failure.ts";
import { thrownText } from "../base/stack.ts";
import type { TaskId } from "../protocol/ids.ts";
import { jsonText } from "../base/json.ts";
import type { Mask } from "../protocol/mask.ts";
import type { Assignment, CancelReason } from "../protocol/messages.ts";
import type { Outcome, TaskRecord } from "../protocol/records.ts";
import type { LogLevel } from "../protocol/status.ts";
import { taskKey } from "../protocol/task-key.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { describeValue } from "./describe-value.ts";
import { formatParts } from "../base/captured-prints.ts";
import { LineBuffer } from "../base/line-buffer.ts";
import type { FinishedRecord, RecordSender, Reporting } from "./record-sender.ts";
import { insertTarget, upsertTarget } from "./target-table.ts";
import { Sends } from "./sends.ts";
import type { Unit } from "./unit.ts";

/** What all attempts of a Worker share. */
export type Shared = {
  readonly sender: RecordSender;
  readonly mask: Mask | undefined;
  readonly clock: Clock;
  readonly run: TaskContext["run"];
  readonly params: TaskContext["params"];
  readonly query: (sql: string, params: readonly QueryParam[]) => unknown[];
  /** One unit at a time goes to the writer: its parts must not be mixed with another's. */
  readonly unitMutex: Turn;
  /** Told when the checkpoint of this number is committed, or could not be applied. */
  readonly checkpoints: Map<number, (failure: Failure | undefined) => void>;
  nextCheckpoint: number;
  /** Which attempt's call has failed with this error: nobody else can say where an unhandled rejection comes from. */
  readonly failedIn: WeakMap<object, Attempt>;
};

/** A queue of one: each waits until the one before has left. */
export class Turn {
  #last: Promise<void> = Promise.resolve();

  async take<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const { promise, resolve: leave } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      return await work();
    } finally {
      leave();
    }
  }
}

export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}
export class CancelledError extends Error {
  override readonly name = "CancelledError";
}

/** A source of rows that the task did not await goes on when the task has returned. */
export class UnfinishedSourceError extends Error {
  override readonly name = "UnfinishedSourceError";
}
/** The attempt is over, and what it still sends is stored nowhere. */
export class TaskEndedError extends Error {
  override readonly name = "TaskEndedError";
}

/** How long an attempt whose time is up may take to listen to its signal. */
const timeoutGraceMs = 2000;

/** Most progress calls are not worth a look at the clock. */
const progressCallsPerLook = 64;

/** How long a source of rows may go on that the task did not await, once the task has returned. */
const unawaitedMs = 10_000;

const afterTheEnd = "after the task had ended";

export class Attempt implements TaskContext, Reporting {
  readonly id: TaskId;
  readonly attempt: number;
  readonly task: { readonly id: number; readonly name: string };
  readonly assignment: Assignment;
  readonly startedAt: number;
  /** Monotonic. */
  readonly #began: number;
  readonly #shared: Shared;
  #abort: AbortController | undefined;
  #stopped: CancelReason | undefined;
  #ended: Outcome["status"] | undefined;
  #hasReturned = false;
  #isGivenUp = false;
  #hasToldLate = false;
  #progress: number | undefined;
  #boundProgress: TaskContext["progress"] | undefined;
  #message: string | undefined;
  #progressCalls = 0;
  #sends: Sends | undefined;
  #log: Log | undefined;
  #cursorText: string | undefined;
  #keyText: string | undefined;
  readonly #streams: { stdout?: LineBuffer; stderr?: LineBuffer } = {};
  /** The timeout, then its grace. */
  #timer: Timer | undefined;
  #waitTimer: Timer | undefined;
  /** Rejects what runs; set while there is something to reject. */
  #fail: ((thrown: unknown) => void) | undefined;
  /** Told when the author's function has come to its end. */
  onReturned: (() => void) | undefined;

  /** @param began by the monotonic clock */
  constructor(assignment: Assignment, began: number, shared: Shared) {
    this.id = assignment.id;
    this.attempt = assignment.attempt;
    this.task = { id: assignment.id, name: assignment.name };
    this.assignment = assignment;
    this.startedAt = shared.clock.wall();
    this.#began = began;
    this.#cursorText = assignment.cursor;
    this.#shared = shared;
  }

  get run(): TaskContext["run"] {
    return this.#shared.run;
  }
  get params(): TaskContext["params"] {
    return this.#shared.params;
  }
  get env(): TaskContext["env"] {
    return process.env;
  }

  // ── stopping ──

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#stopped !== undefined) this.#abort.abort(this.#stopError(this.#stopped));
    return this.#abort.signal;
  }

  /** Why the attempt was told to stop, if it was. */
  get stopped(): CancelReason | undefined {
    return this.#stopped;
  }

  stop(reason: CancelReason): void {
    if (this.#stopped !== undefined || this.#ended !== undefined) return;
    this.#stopped = reason;
    this.#abort?.abort(this.#stopError(reason));
    // Of a cancelled run the main thread ends what does not listen; it gives more time.
    if (reason === "timeout" || this.#hasReturned) this.#giveUpLater();
  }

  /** The author's function may go on for ever: nothing waits for it, and what it still sends is refused. */
  #giveUpLater(): void {
    const { clock } = this.#shared;
    if (this.#timer !== undefined) clock.cancel(this.#timer);
    this.#timer = clock.after(timeoutGraceMs, () => {
      this.#isGivenUp = true;
      this.#fail?.(this.#stopError(this.#stopped ?? "timeout"));
    });
  }

  startTimer(): void {
    const { timeoutMs } = this.assignment;
    if (timeoutMs === undefined) return;
    this.#timer = this.#shared.clock.after(timeoutMs, () => this.stop("timeout"));
  }

  /** True once the time is up, also when a busy thread kept the timer from firing. */
  get isOverdue(): boolean {
    const { timeoutMs } = this.assignment;
    return timeoutMs !== undefined && this.#shared.clock.now() - this.#began > timeoutMs;
  }

  #stopError(reason: CancelReason): Error {
    return reason === "timeout"
      ? new TimeoutError(`no end after ${this.assignment.timeoutMs} ms${this.#whatBecame}`)
      : new CancelledError("the run was cancelled");
  }

  get #whatBecame(): string {
    return this.#isGivenUp && !this.#hasReturned
      ? ", and it did not listen to ctx.signal; what it still does is not waited for, and what it still sends is refused"
      : "";
  }

  stopFailure(reason: CancelReason): Failure {
    const { name, message } = this.#stopError(reason);
    return { name, message };
  }

  // ── progress ──

  // Authors take `ctx` apart (`run(input, { progress, log })`), so what they call must not need its `this`.

  get progress(): TaskContext["progress"] {
    this.#boundProgress ??= (step, total, message) => this.#report(step, total, message);
    return this.#boundProgress;
  }

  #report(step: unknown, total: unknown, message: unknown): void {
    if (typeof step !== "number" || typeof total !== "number") {
      throw new TypeError(
        `ctx.progress: step and total are numbers, not ${describeValue(typeof step === "number" ? total : step)}`,
      );
    }
    if (!(total > 0) || Number.isNaN(step)) return;
    const text = message === undefined || typeof message === "string" ? message : shown(message);
    if (this.#ended !== undefined) return this.#tellLate("ctx.progress");
    const first = this.#progressCalls === 0;
    this.#progress = step <= 0 ? 0 : step >= total ? 1 : step / total;
    this.#message = text;
    if (this.#progressCalls++ % progressCallsPerLook === 0) {
      this.#shared.sender.progressed(this);
      if (!first) this.#shared.sender.flushProgress(this.#shared.clock.now());
    } else {
      this.#shared.sender.progressed(this);
    }
  }

  get #key(): string {
    return (this.#keyText ??= taskKey(this.assignment.task, this.assignment.input));
  }

  startedRecord(): TaskRecord {
    const { id, name, attempt } = this.assignment;
    return { type: "started", id, name, key: this.#key, attempt, at: this.startedAt };
  }

  progressRecord(): TaskRecord {
    return { type: "progress", id: this.id, ...this.#lastProgress() };
  }

  #lastProgress(): { progress: number; message?: string } {
    const progress = this.#progress ?? 0;
    return this.#message === undefined ? { progress } : { progress, message: this.#message };
  }

  // ── log ──

  get log(): Log {
    this.#log ??= {
      debug: (...parts) => this.print("debug", formatParts(parts)),
      info: (...parts) => this.print("info", formatParts(parts)),
      warn: (...parts) => this.print("warn", formatParts(parts)),
      error: (...parts) => this.print("error", formatParts(parts)),
    };
    return this.#log;
  }

  /** One call's text, line by line. */
  print(level: LogLevel, text: string): void {
    const lines = new LineBuffer((line) => this.#line(level, line), this.#shared.mask);
    lines.write(text);
    lines.end();
    if (text === "") this.#line(level, "");
  }

  /** A piece of a stream's text. */
  write(stream: "stdout" | "stderr", text: string): void {
    const level = stream === "stdout" ? "info" : "warn";
    this.#streams[stream] ??= new LineBuffer((line) => this.#line(level, line), this.#shared.mask);
    this.#streams[stream].write(text);
  }

  #line(level: LogLevel, line: string): void {
    this.#addLine(level, this.#ended === undefined ? line : `${afterTheEnd}: ${line}`);
  }

  #addLine(level: LogLevel, line: string): void {
    const { id, name, attempt } = this.assignment;
    const at = this.#shared.clock.wall();
    this.#shared.sender.add({ type: "log", id, name, attempt, at, level, line });
  }

  // ── data ──

  get upsert(): TaskContext["upsert"] {
    return (table, rows, options) =>
      this.#send("ctx.upsert", (sends) => sends.rows(rows, upsertTarget(this.id, table, options)));
  }

  get insert(): TaskContext["insert"] {
    return (table, rows) =>
      this.#send("ctx.insert", (sends) => sends.rows(rows, insertTarget(this.id, table)));
  }

  get emit(): TaskContext["emit"] {
    return (message, payload) => this.#send("ctx.emit", (sends) => sends.emit(message, payload));
  }

  /**
   * What is sent after a checkpoint may be encoded while that is committed, if the author does not wait for it: the
   * thread and the writer are both busy then. The next checkpoint, and the task's end, wait for it in any case.
   */
  get checkpoint(): TaskContext["checkpoint"] {
    return (cursor) =>
      this.#send("ctx.checkpoint", (sends) =>
        sends.checkpoint(this.storedText(cursor, "cursor", "checkpoint", "cursors")),
      );
  }

  #send(call: string, work: (sends: Sends) => Promise<void> | undefined): Promise<void> {
    const sends = (this.#sends ??= this.#newSends());
    return sends.call(() => {
      if (this.#ended === undefined) return work(sends);
      throw this.refuse(call);
    });
  }

  /**
   * The JSON text of a result or a cursor. Both are stored and shown as they are.
   * @throws TypeError for what is not JSON, and for a secret in it
   */
  storedText(value: unknown, root: string, what: string, plural: string): string {
    const text = jsonText(value, root, what, plural);
    const place = this.#shared.mask?.placeIn(text, root);
    if (place === undefined) return text;
    throw new TypeError(
      `${what}: ${place.path} holds the value of the secret ${place.name}; ${plural} are stored and shown, so leave it out, and read it from ctx.env where it is needed`,
    );
  }

  #newSends(): Sends {
    const shared = this.#shared;
    return new Sends({
      id: this.id,
      commit: (unit, cursor, mayPost) => this.#commit(unit, cursor, mayPost),
      committed: (cursor) => {
        this.#cursorText = cursor;
      },
      failed: (thrown) => {
        if (isObject(thrown)) shared.failedIn.set(thrown, this);
      },
      rejectionsReported: () => new Promise((resolve) => shared.clock.soon(resolve)),
    });
  }

  async #commit(
    unit: Unit,
    cursor: string,
    mayPost: () => boolean,
  ): Promise<{ readonly answer: Promise<Failure | undefined> } | undefined> {
    const { sender, unitMutex, checkpoints } = this.#shared;
    return unitMutex.take(async () => {
      await sender.room();
      if (!mayPost()) return undefined;
      const seq = this.#shared.nextCheckpoint++;
      const answer = new Promise<Failure | undefined>((resolve) => checkpoints.set(seq, resolve));
      const { id, attempt } = this;
      sender.unit(this, unit.take(), { type: "checkpoint", id, attempt, seq, cursor });
      return { answer };
    });
  }

  get cursor(): unknown {
    return this.#cursorText === undefined ? undefined : JSON.parse(this.#cursorText);
  }

  get query(): TaskContext["query"] {
    return <Result>(sql: string, ...params: QueryParam[]) => {
      if (this.#ended !== undefined) throw this.refuse("ctx.query");
      if (typeof sql !== "string") {
        throw new TypeError(`ctx.query: the SQL is ${describeValue(sql)}; pass it as a string`);
      }
      return this.#shared.query(sql, params) as Result[];
    };
  }

  /** Nothing is to be waited for but the author's function. */
  get areSendsSettled(): boolean {
    return this.#sends === undefined || this.#sends.areSettled;
  }

  /** @throws the failure of a send that the author has not taken over */
  async settleSends(): Promise<void> {
    await this.#sends?.settle();
  }

  // ── the end ──

  get isEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** The author's function has come to its end. */
  get hasReturned(): boolean {
    return this.#hasReturned;
  }

  returned(): void {
    this.#hasReturned = true;
    this.onReturned?.();
    if (this.#ended !== undefined || this.areSendsSettled) return;
    if (this.#stopped !== undefined) this.#giveUpLater();
    this.#waitTimer = this.#shared.clock.after(unawaitedMs, () =>
      this.#sends?.stopSources(
        () =>
          new UnfinishedSourceError(
            `the task returned ${unawaitedMs / 1000} s ago, and a source of rows that it did not await has not come to its end; await the ctx.insert or ctx.upsert that reads it`,
          ),
      ),
    );
  }

  /** `work`, unless the attempt fails before: something it started was thrown and nobody caught it, or it is given up. */
  untilFailed<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      work.then(resolve, reject);
    });
  }

  /** Something that this attempt started was thrown, and nobody caught it. */
  crash(thrown: unknown): void {
    // A call was refused, and that has been told.
    if (thrown instanceof TaskEndedError) return;
    if (this.#fail === undefined) this.print("error", thrownText(thrown));
    else this.#fail(thrown);
  }

  /** The attempt has failed while its function may go on: what listens to its signal stops. */
  abandon(): void {
    if (this.#hasReturned || this.#stopped !== undefined) return;
    this.#abort?.abort(new CancelledError("the attempt has failed"));
  }

  /** Tells of a call after the end, and says so to its caller. */
  refuse(call: string): TaskEndedError {
    this.#tellLate(call);
    return this.#refusal(call);
  }

  #refusal(call: string): TaskEndedError {
    return new TaskEndedError(
      `the task has ended (attempt ${this.attempt}: ${this.#ended}): ${call} does nothing any more; await what you send`,
    );
  }

  /** Once: a loop that goes on would fill the log. */
  #tellLate(call: string): void {
    if (this.#hasToldLate) return;
    this.#hasToldLate = true;
    // Of an attempt that failed nothing is missing: what it sends would not have been stored in any case.
    const level = this.#ended === "done" ? "error" : "warn";
    this.#addLine(
      level,
      `${afterTheEnd} (attempt ${this.attempt}: ${this.#ended}), it called ${call}: this and what follows does nothing, and no row of it is stored; await what the task starts`,
    );
  }

  /** Wall time, without the jumps of its clock since the attempt began. */
  now(): number {
    return this.startedAt + Math.round(this.#shared.clock.now() - this.#began);
  }

  /** Tells the writer how it ended, with its unit if it is done. From now on, what it sends is refused. */
  finish(at: number, outcome: Outcome): void | Promise<void> {
    if (this.#ended !== undefined) throw new Error("Internal error: an attempt has ended twice");
    const { clock } = this.#shared;
    if (this.#timer !== undefined) clock.cancel(this.#timer);
    if (this.#waitTimer !== undefined) clock.cancel(this.#waitTimer);
    this.#streams.stdout?.end();
    this.#streams.stderr?.end();
    this.#fail = undefined;
    this.#ended = outcome.status;
    const unit = this.#sends?.close(() => this.#refusal("what it has sent and not awaited"));
    const record = this.#finishedRecord(at, outcome);
    if (outcome.status !== "done" || unit === undefined || unit.isEmpty) {
      this.#shared.sender.finished(this, record);
      return;
    }
    return this.#finishUnit(unit, record);
  }

  async #finishUnit(unit: Unit, record: FinishedRecord): Promise<void> {
    const { sender, unitMutex } = this.#shared;
    await unitMutex.take(async () => {
      await sender.room();
      sender.unit(this, unit.take(), record);
    });
  }

  #finishedRecord(at: number, outcome: Outcome): FinishedRecord {
    const { id, name, attempt, wantsResult } = this.assignment;
    return {
      type: "finished",
      id,
      name,
      key: this.#key,
      attempt,
      startedAt: this.startedAt,
      at,
      outcome,
      wantsResult,
      ...(this.#progress === undefined ? {} : this.#lastProgress()),
    };
  }
}

const isObject = (value: unknown): value is object =>
  (typeof value === "object" && value !== null) || typeof value === "function";

/** A progress message that is no string. */
function shown(message: unknown): string {
  try {
    return String(message);
  } catch (thrown) {
    throw new TypeError(
      `ctx.progress: the message is ${describeValue(message)} that cannot be shown as text`,
      { cause: thrown },
    );
  }
}
