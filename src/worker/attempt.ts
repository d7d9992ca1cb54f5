// One attempt of one task: the context that user code sees, and what it has sent so far.

import type { Log, QueryParam, Rows, TaskContext, UpsertOptions } from "../api/context.ts";
import type { MessageHandle } from "../api/message.ts";
import type { Failure } from "../protocol/failure.ts";
import type { TaskId } from "../protocol/ids.ts";
import { NotJsonError, toJsonText } from "../protocol/json.ts";
import type { Mask } from "../protocol/mask.ts";
import type { Assignment, CancelReason, TaskRecord } from "../protocol/messages.ts";
import type { LogLevel } from "../protocol/status.ts";
import { taskKey } from "../protocol/task-key.ts";
import { packEmit } from "../protocol/unit-part.ts";
import { formatParts, LineBuffer } from "./lines.ts";
import type { Outbox, Reporting } from "./outbox.ts";
import { encodeRows, insertTarget, type RowsTarget, upsertTarget } from "./rows.ts";
import { Unit } from "./unit.ts";

/** What all attempts of a Worker share. */
export type Shared = {
  readonly outbox: Outbox;
  readonly mask: Mask | undefined;
  readonly run: TaskContext["run"];
  readonly params: TaskContext["params"];
  readonly query: (sql: string, params: readonly QueryParam[]) => unknown[];
  /** One unit at a time goes to the writer: its parts must not be mixed with another's. */
  readonly unitTurn: Turn;
  /** Told when the checkpoint of this number is committed, or could not be applied. */
  readonly checkpoints: Map<number, (failure: Failure | undefined) => void>;
  nextCheckpoint: number;
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

/** Most progress calls are not worth a look at the clock. */
const progressCallsPerLook = 64;

export class Attempt implements TaskContext, Reporting {
  readonly id: TaskId;
  readonly attempt: number;
  readonly task: { readonly id: number; readonly name: string };
  readonly assignment: Assignment;
  readonly startedAt: number;
  readonly #shared: Shared;
  #abort: AbortController | undefined;
  #stopped: CancelReason | undefined;
  #progress: number | undefined;
  #boundProgress: TaskContext["progress"] | undefined;
  #message: string | undefined;
  #progressCalls = 0;
  #unit: Unit | undefined;
  #log: Log | undefined;
  #cursorText: string | undefined;
  #keyText: string | undefined;
  /** Sends the author did not await yet: each is awaited before the task ends, and its error is the task's. */
  #pending: Promise<void> = Promise.resolve();
  #hasPending = false;
  /** The commit of the last checkpoint that was sent. */
  #committing: Promise<void> = Promise.resolve();
  #settled: { readonly of: Promise<void>; readonly all: Promise<void> } | undefined;
  readonly #streams: { stdout?: LineBuffer; stderr?: LineBuffer } = {};
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(assignment: Assignment, startedAt: number, shared: Shared) {
    this.id = assignment.id;
    this.attempt = assignment.attempt;
    this.task = { id: assignment.id, name: assignment.name };
    this.assignment = assignment;
    this.startedAt = startedAt;
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
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#abort?.abort(this.#stopError(reason));
  }

  startTimer(): void {
    const { timeoutMs } = this.assignment;
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => this.stop("timeout"), timeoutMs);
  }

  /** True once the time is up, also when a busy thread kept the timer from firing. */
  get isOverdue(): boolean {
    const { timeoutMs } = this.assignment;
    return timeoutMs !== undefined && Date.now() - this.startedAt > timeoutMs;
  }

  #stopError(reason: CancelReason): Error {
    return reason === "timeout"
      ? new TimeoutError(`no end after ${this.assignment.timeoutMs} ms`)
      : new CancelledError("the run was cancelled");
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

  #report(step: number, total: number, message: string | undefined): void {
    if (!(total > 0) || Number.isNaN(step)) return;
    const first = this.#progressCalls === 0;
    this.#progress = step <= 0 ? 0 : step >= total ? 1 : step / total;
    this.#message = message;
    if (this.#progressCalls++ % progressCallsPerLook === 0) {
      this.#shared.outbox.progressed(this);
      if (!first) this.#shared.outbox.flushProgress(performance.now());
    } else {
      this.#shared.outbox.progressed(this);
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
    return this.#message === undefined
      ? { progress }
      : { progress, message: String(this.#message) };
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
    const { id, name, attempt } = this.assignment;
    this.#shared.outbox.add({ type: "log", id, name, attempt, at: Date.now(), level, line });
  }

  // ── data ──

  get upsert(): TaskContext["upsert"] {
    return (table: string, rows: Rows, options: UpsertOptions) =>
      this.#send(async () => this.#rows(rows, upsertTarget(this.id, table, options)));
  }

  get insert(): TaskContext["insert"] {
    return (table, rows) => this.#send(async () => this.#rows(rows, insertTarget(this.id, table)));
  }

  get emit(): TaskContext["emit"] {
    return (message, payload) => this.#send(async () => this.#emit(message, payload));
  }

  #emit<Payload>(message: MessageHandle<Payload>, payload: Payload): void {
    const part = packEmit({
      type: "emit",
      id: this.id,
      message: message.name,
      payload: jsonText(payload, "payload", `message "${message.name}"`, "payloads"),
    });
    this.#unitOf().add(part, 1);
  }

  async #rows(rows: Rows, target: RowsTarget): Promise<void> {
    const unit = this.#unitOf();
    await encodeRows(rows, target, (text, count) => unit.add(text, count));
  }

  #unitOf(): Unit {
    this.#unit ??= new Unit();
    return this.#unit;
  }

  /** Sends happen in the order of the calls, awaited or not. The first that fails is the task's failure. */
  #send(work: () => Promise<void>): Promise<void> {
    const sent = this.#hasPending ? this.#pending.then(work) : work();
    this.#pending = sent;
    this.#hasPending = true;
    sent.catch(() => undefined);
    return sent;
  }

  /**
   * What is sent after a checkpoint may be encoded while that is committed, if the author does not wait for it: the
   * thread and the writer are both busy then. The next checkpoint, and the task's end, wait for it in any case.
   */
  get checkpoint(): TaskContext["checkpoint"] {
    return (cursor) => {
      const sent = this.#send(() => this.#checkpoint(cursor));
      const committed = sent.then(() => this.#committing);
      committed.catch(() => undefined);
      return committed;
    };
  }

  async #checkpoint(cursor: unknown): Promise<void> {
    // A unit must not be committed when the one before could not be applied.
    await this.#committing;
    const text = jsonText(cursor, "cursor", "checkpoint", "cursors");
    const seq = this.#shared.nextCheckpoint++;
    const answer = new Promise<Failure | undefined>((resolve) =>
      this.#shared.checkpoints.set(seq, resolve),
    );
    const record: TaskRecord = { type: "checkpoint", id: this.id, seq, cursor: text };
    await this.#shared.unitTurn.take(() =>
      this.#shared.outbox.unit(this, this.#unit?.take() ?? [], record),
    );
    this.#committing = this.#untilCommitted(answer, text);
    this.#committing.catch(() => undefined);
  }

  async #untilCommitted(answer: Promise<Failure | undefined>, cursor: string): Promise<void> {
    const failure = await answer;
    if (failure !== undefined) throw errorOf(failure);
    this.#cursorText = cursor;
  }

  get cursor(): unknown {
    return this.#cursorText === undefined ? undefined : JSON.parse(this.#cursorText);
  }

  get query(): TaskContext["query"] {
    return <Result>(sql: string, ...params: QueryParam[]) =>
      this.#shared.query(sql, params) as Result[];
  }

  /** Undefined when nothing is to be waited for: the common case must not cost a turn of the event loop. */
  settled(): Promise<void> | undefined {
    if (!this.#hasPending) return undefined;
    if (this.#settled?.of !== this.#pending) {
      const all = this.#pending.then(() => this.#committing);
      this.#settled = { of: this.#pending, all };
    }
    return this.#settled.all;
  }

  // ── the end ──

  /** Rejects the running attempt; set while there is something to reject. */
  onCrash: ((thrown: unknown) => void) | undefined;

  /** Something that this attempt started was thrown, and nobody caught it. */
  crash(thrown: unknown): void {
    if (this.onCrash === undefined) this.log.error("after the task had ended:", thrown);
    else this.onCrash(thrown);
  }

  /** Tells the writer how it ended, with its unit if it is done. */
  finish(
    at: number,
    outcome: Extract<TaskRecord, { type: "finished" }>["outcome"],
  ): void | Promise<void> {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.onCrash = undefined;
    this.#streams.stdout?.end();
    this.#streams.stderr?.end();
    const { id, name, attempt, needed } = this.assignment;
    const record: TaskRecord = {
      type: "finished",
      id,
      name,
      key: this.#key,
      attempt,
      startedAt: this.startedAt,
      at,
      outcome,
      needed,
      ...(this.#progress === undefined ? {} : this.#lastProgress()),
    };
    if (outcome.status !== "done" || this.#unit === undefined || this.#unit.isEmpty) {
      this.#shared.outbox.finished(this, record);
      return;
    }
    const parts = this.#unit.take();
    return this.#shared.unitTurn.take(() => this.#shared.outbox.unit(this, parts, record));
  }
}

/** A failure that came back from the writer, as something to throw. */
function errorOf(failure: Failure): Error {
  const error = new Error(failure.message);
  error.name = failure.name;
  return failure.code === undefined ? error : Object.assign(error, { code: failure.code });
}

export function jsonText(value: unknown, root: string, what: string, plural: string): string {
  try {
    return toJsonText(value, root);
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error;
    throw new TypeError(`${what}: ${error.explain(plural)}`);
  }
}
