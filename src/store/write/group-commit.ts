// Group commit: messages of all workers are applied to one transaction, committed together, and then acknowledged and
// announced.
//
// SQLite can refuse a group at the commit (a deferred foreign key), and a unit can end the transaction that holds other
// units (ON CONFLICT ROLLBACK). Then the whole group is applied again, with one transaction per unit, and only the unit
// at fault fails. So the group keeps its messages until the commit.

import type { Failure } from "../../base/failure.ts";
import { JSON } from "../../base/globals.ts";
import { assertNever } from "../../base/unreachable.ts";
import { completionsMark, unpackCompletions } from "../../protocol/codec/completions.ts";
import { type MainRecord, type TaskRecord, unitItemMark } from "../../protocol/writer-records.ts";
import { nameOfKey } from "../../protocol/task-key.ts";
import { isConstraint } from "../sqlite-error.ts";
import type { Announcer } from "./announcer.ts";
import { commitLimits } from "./commit-policy.ts";
import { Group } from "./group.ts";
import type { Ports, WorkerPort } from "./ports.ts";
import type { Recorder } from "./recorder.ts";
import { notRunning, RunningAttempts } from "./running-attempts.ts";
import type { Session } from "./session.ts";
import { refusedAtCommit, TransactionLostError } from "./unit-applier.ts";

type GroupDeps = {
  readonly session: Session;
  readonly recorder: Recorder;
  readonly ports: Ports;
  readonly announcer: Announcer;
};

/** Characters of records in one transaction: long log lines and results. */
const maxRecordChars = 1024 * 1024;

export type Total = { readonly total: number; readonly complete: boolean };

export class GroupCommit {
  readonly #session: Session;
  readonly #recorder: Recorder;
  readonly #ports: Ports;
  readonly #announcer: Announcer;
  readonly #group = new Group<WorkerPort>();
  readonly #attempts = new RunningAttempts();
  /** The worker whose unit is open: its next records end the unit. */
  #owner: WorkerPort | undefined;
  #records = 0;
  /** Characters of the workers' records. */
  #chars = 0;
  /** The group has a checkpoint or records of main: somebody waits for the commit. */
  #hasAwaited = false;
  /** The group has the end of a task. */
  #hasEnds = false;
  #total: Total | undefined;

  constructor({ session, recorder, ports, announcer }: GroupDeps) {
    this.#session = session;
    this.#recorder = recorder;
    this.#ports = ports;
    this.#announcer = announcer;
  }

  get owner(): WorkerPort | undefined {
    return this.#owner;
  }

  get records(): number {
    return this.#records;
  }

  get hasEnds(): boolean {
    return this.#hasEnds;
  }

  /** The group must not grow: it is held in memory, as texts and then as an announcement, or units are committed alone. */
  get isFull(): boolean {
    if (this.#group.isFull || this.#chars >= maxRecordChars) return true;
    return this.#session.commitsUnitsAlone && this.#group.endedUnits > 0;
  }

  /**
   * Whether somebody waits for the commit. The end of a task is awaited by the tasks that depend on it and by an idle
   * slot; while all slots are busy and may send, an earlier commit would not use any slot better. Main, which limits the
   * tasks in flight, waits for a stream of ends.
   */
  get isAwaited(): boolean {
    if (this.#hasAwaited || this.#total !== undefined || this.#ports.hasLost) return true;
    // The transaction holds the file's write lock, which another process may wait for.
    if (this.#session.db.inTransaction || this.#ports.isAnyShortOfCredits) return true;
    if (!this.#hasEnds) return false;
    if (this.#records >= commitLimits.streamRecords) return !this.#ports.isEmpty;
    return this.#ports.isAnySlotIdle;
  }

  // ── taking messages ──

  setTotal(total: Total): void {
    this.#total = total;
  }

  takeMain(records: readonly MainRecord[]): void {
    this.#records += records.length;
    this.#hasAwaited = true;
    this.#group.addMain(records);
    this.#recordMain(records);
  }

  take(from: WorkerPort, text: string): void {
    if (text.startsWith(unitItemMark)) this.#takeItem(from, text);
    else this.#takeRecords(from, text);
  }

  #takeItem(from: WorkerPort, text: string): void {
    from.giveBackNow(text);
    this.#group.addItem(from, text);
    try {
      this.#applyItem(from, text);
    } catch (thrown) {
      if (!(thrown instanceof TransactionLostError)) throw thrown;
      // The units before this one are complete. This one stays open, as the first of a new group.
      this.#applyAgain(thrown);
    }
  }

  #takeRecords(from: WorkerPort, text: string): void {
    from.giveBackLater(text);
    this.#chars += text.length;
    this.#records += this.#applyRecords(from, text);
    this.#group.addRecords(from, text);
  }

  /** Undoes the open unit if its worker will never send the rest; returns whether it did. */
  abandonUnit(): boolean {
    if (this.#owner?.isComplete !== true) return false;
    this.#session.unit.abandon();
    this.#group.abandonUnit();
    this.#owner = undefined;
    return true;
  }

  // ── applying messages, for the first time or again ──

  #recordMain(records: readonly MainRecord[]): void {
    for (const record of records) {
      if (record.type === "finished") this.#attempts.end(record.id, record.attempt);
      if (record.type === "interrupted") this.#recordInterrupted(record);
      else this.#recorder.main(record);
    }
  }

  /** The next attempt may have been faster than this record: it takes another way to the writer, and may have ended. */
  #recordInterrupted(record: Extract<MainRecord, { type: "interrupted" }>): void {
    const isLast = this.#attempts.isRunning(record.id, record.attempt);
    if (isLast) this.#attempts.end(record.id, record.attempt);
    this.#recorder.interrupted(record, isLast);
  }

  #applyItem(from: WorkerPort, text: string): void {
    this.#owner = from;
    this.#session.unit.apply(text);
  }

  /**
   * @param refused why the unit that these records end cannot be stored, if that is already known
   * @returns the number of records
   */
  #applyRecords(from: WorkerPort, text: string, refused?: Failure): number {
    if (text.startsWith(completionsMark)) return this.#recordCompletions(from, text);
    const records = JSON.parse(text) as TaskRecord[];
    const isUnit = this.#owner === from;
    const failure = refused ?? (isUnit ? this.#endUnit(records[0]) : undefined);
    // The record that ends a unit comes alone.
    const rows = isUnit && failure === undefined ? this.#session.unit.rows : 0;
    for (const record of records) this.#recordTask(from, record, failure, rows);
    return records.length;
  }

  #recordCompletions({ workerId }: WorkerPort, text: string): number {
    this.#hasEnds = true;
    return unpackCompletions(text, (completion) => {
      const { id, attempt } = completion;
      if (this.#attempts.end(id, attempt)) this.#recorder.done(completion, workerId);
    });
  }

  /** Keeps the unit if its attempt is running; otherwise returns why the unit is not stored. */
  #endUnit(end: TaskRecord | undefined): Failure | undefined {
    if (end === undefined || !endsUnit(end)) {
      throw new Error(`Internal error: a unit that ends with ${end?.type ?? "nothing"}`);
    }
    this.#owner = undefined;
    this.#group.endUnit();
    const { unit, history } = this.#session;
    if (!this.#attempts.isRunning(end.id, end.attempt)) {
      unit.abandon();
      return notRunning(end.attempt);
    }
    const { repeats } = unit;
    const writes = unit.takeWrites();
    const failure = unit.end();
    if (repeats && failure === undefined) history.setRepeats(nameOfKey(end.key));
    if (writes !== undefined && failure === undefined) {
      history.setWrites(nameOfKey(end.key), end.id, writes);
    }
    return failure;
  }

  /**
   * @param failure why the unit that this record ends could not be applied
   * @param rows of that unit
   */
  #recordTask(
    from: WorkerPort,
    record: TaskRecord,
    failure: Failure | undefined,
    rows: number,
  ): void {
    switch (record.type) {
      case "started":
        this.#attempts.start(record.id, record.attempt);
        break;
      case "checkpoint":
        if (!this.#takeCheckpoint(from, record, failure)) return;
        break;
      case "finished":
        this.#hasEnds = true;
        if (!this.#attempts.end(record.id, record.attempt)) return;
        break;
      case "progress":
      case "log":
      case "queried":
        break;
      default:
        assertNever(record);
    }
    this.#recorder.task(record, failure, from.workerId, rows);
  }

  /** False if the checkpoint does not count; the answer to its worker says why. */
  #takeCheckpoint(
    from: WorkerPort,
    { id, attempt, seq }: Checkpoint,
    unitFailure: Failure | undefined,
  ): boolean {
    this.#hasAwaited = true;
    const failure =
      unitFailure ?? (this.#attempts.isRunning(id, attempt) ? undefined : notRunning(attempt));
    from.answerLater(failure === undefined ? { id, seq } : { id, seq, failure });
    return failure === undefined;
  }

  // ── committing ──

  /** Commits the group. No unit is open. */
  commit(): void {
    try {
      this.#commit();
    } catch (thrown) {
      if (!isConstraint(thrown)) throw thrown;
      this.#applyAgain(thrown);
    }
    this.#group.take();
    this.#records = 0;
    this.#chars = 0;
    this.#hasAwaited = false;
    this.#hasEnds = false;
  }

  /** Commits what is applied. Only then it is acknowledged and announced. */
  #commit(): void {
    const total = this.#total;
    if (total !== undefined) this.#session.history.setTotal(total.total);
    this.#session.commit();
    this.#attempts.keep();
    this.#total = undefined;
    const events = this.#recorder.takeEvents();
    if (total !== undefined) events.push({ type: "run-total", ...total });
    this.#ports.acknowledge();
    if (events.length > 0) this.#announcer.announce(events);
  }

  /**
   * Applies the group again, each unit in a transaction of its own, so that only the unit at fault fails. An open unit
   * stays open, as the first of a new group.
   *
   * @param cause the failure of the group's only unit, if the group has dropped its items
   */
  #applyAgain(cause: unknown): void {
    this.#forget();
    this.#owner = undefined;
    let failure: Failure | undefined;
    for (const taken of this.#group.take()) {
      switch (taken.type) {
        case "main":
          this.#recordMain(taken.records);
          break;
        case "dropped items":
          this.#commit();
          this.#owner = taken.from;
          failure = refusedAtCommit(cause);
          break;
        case "item":
          if (this.#owner === undefined) this.#commit();
          this.#group.addItem(taken.from, taken.text);
          this.#applyItem(taken.from, taken.text);
          break;
        case "records":
          if (this.#owner === taken.from) this.#commitUnit(taken.from, taken.text, failure);
          else this.#applyRecords(taken.from, taken.text);
          failure = undefined;
          break;
        default:
          assertNever(taken);
      }
    }
    if (this.#owner === undefined) this.#commit();
  }

  /**
   * Ends the unit with these records and commits it alone.
   * @param refused why the unit cannot be stored, if the group has dropped its items
   */
  #commitUnit(from: WorkerPort, text: string, refused: Failure | undefined): void {
    this.#applyRecords(from, text, refused);
    this.#owner = undefined;
    this.#group.take();
    try {
      this.#commit();
    } catch (thrown) {
      // Without the unit, only pipeloom's own rows are left, and these violate no constraint.
      if (refused !== undefined || !isConstraint(thrown)) throw thrown;
      this.#forget();
      this.#applyRecords(from, text, refusedAtCommit(thrown));
      this.#commit();
    }
  }

  /** Rolls back everything since the last commit. */
  #forget(): void {
    this.#session.rollBack();
    this.#recorder.takeEvents();
    this.#attempts.revert();
    this.#ports.forgetAnswers();
  }
}

type Checkpoint = Extract<TaskRecord, { type: "checkpoint" }>;
type Finished = Extract<TaskRecord, { type: "finished" }>;

/** A task that fails does not send its unit. */
const endsUnit = (record: TaskRecord): record is Checkpoint | Finished =>
  record.type === "checkpoint" || (record.type === "finished" && record.outcome.status === "done");
