// Applies the messages of workers and main to the open transaction, for the first time or again. What an attempt sends after
// it was given up does not count.

import type { Failure } from "../../base/failure.ts";
import { JSON } from "../../base/globals.ts";
import { assertNever } from "../../base/unreachable.ts";
import { completionsMark, unpackCompletions } from "../../protocol/codec/completions.ts";
import type { MainRecord, TaskRecord } from "../../protocol/writer-records.ts";
import { nameOfKey } from "../../protocol/task-key.ts";
import type { WorkerPort } from "./ports.ts";
import type { Recorder } from "./recorder.ts";
import { notRunning, RunningAttempts } from "./running-attempts.ts";
import type { Session } from "./session.ts";

export class MessageApplier {
  readonly #session: Session;
  readonly #recorder: Recorder;
  readonly #unitEnded: () => void;
  readonly #attempts = new RunningAttempts();
  /** The worker whose unit is open: its next records end the unit. */
  #owner: WorkerPort | undefined;
  #hasCheckpoint = false;
  #hasEnds = false;

  /** @param unitEnded called before the records that end a unit are applied */
  constructor(session: Session, recorder: Recorder, unitEnded: () => void) {
    this.#session = session;
    this.#recorder = recorder;
    this.#unitEnded = unitEnded;
  }

  get owner(): WorkerPort | undefined {
    return this.#owner;
  }

  /** Since `begin`: a worker waits for the answer. */
  get hasCheckpoint(): boolean {
    return this.#hasCheckpoint;
  }

  /** Since `begin`: the end of a task. */
  get hasEnds(): boolean {
    return this.#hasEnds;
  }

  /** A new group begins. */
  begin(): void {
    this.#hasCheckpoint = false;
    this.#hasEnds = false;
  }

  /** What was applied is committed. */
  committed(): void {
    this.#attempts.keep();
  }

  /** What was applied since the last commit is rolled back. */
  rolledBack(): void {
    this.#attempts.revert();
    this.#owner = undefined;
  }

  /** Undoes the open unit. */
  abandonUnit(): void {
    this.#session.unit.abandon();
    this.#owner = undefined;
  }

  /** The records that end the open unit are applied. */
  closeUnit(): void {
    this.#owner = undefined;
  }

  /** The open unit is this worker's, and its items are not applied: they are refused with the records that end it. */
  refuseItems(from: WorkerPort): void {
    this.#owner = from;
  }

  main(records: readonly MainRecord[]): void {
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

  item(from: WorkerPort, text: string): void {
    this.#owner = from;
    this.#session.unit.apply(text);
  }

  /**
   * @param refused why the unit that these records end cannot be stored, if that is already known
   * @returns the number of records
   */
  records(from: WorkerPort, text: string, refused?: Failure): number {
    from.applied();
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
    this.#unitEnded();
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
    this.#hasCheckpoint = true;
    const failure =
      unitFailure ?? (this.#attempts.isRunning(id, attempt) ? undefined : notRunning(attempt));
    from.answerLater(failure === undefined ? { id, seq } : { id, seq, failure });
    return failure === undefined;
  }
}

type Checkpoint = Extract<TaskRecord, { type: "checkpoint" }>;
type Finished = Extract<TaskRecord, { type: "finished" }>;

/** A task that fails does not send its unit. */
const endsUnit = (record: TaskRecord): record is Checkpoint | Finished =>
  record.type === "checkpoint" || (record.type === "finished" && record.outcome.status === "done");
