// Converts each record into a change of the history and an event. Events are announced after the commit.

import type { Failure } from "../../base/failure.ts";
import type { WorkerId } from "../../protocol/ids.ts";
import type { WireEvent } from "../../protocol/messages.ts";
import type { MainRecord, TaskRecord } from "../../protocol/writer-records.ts";
import { maxSentResult, staysInFile, type WantsResult } from "../../protocol/wants-result.ts";
import type { PlannedItem } from "../../protocol/planned-item.ts";
import type { Mask } from "../../protocol/mask.ts";
import type { Completion } from "../../protocol/codec/completions.ts";
import { assertNever } from "../../base/unreachable.ts";
import { nameOfKey } from "../../protocol/task-key.ts";
import type { History, TaskRow } from "./history.ts";
import { StoredLines } from "./stored-lines.ts";
import { PendingEvents } from "./pending-events.ts";

type Interrupted = Extract<MainRecord, { type: "interrupted" }>;
type Finished = Extract<TaskRecord, { type: "finished" }>;

export class Recorder {
  readonly #history: History;
  readonly #mask: Mask | undefined;
  readonly #machines: ReadonlyMap<WorkerId, string>;
  readonly #events = new PendingEvents();
  readonly #storedLines = new StoredLines();

  /**
   * @param mask for failures that arise in the writer; records arrive masked
   * @param machines the names of the machines of workers that are not on this one; more come while the run goes on
   */
  constructor(
    history: History,
    mask: Mask | undefined,
    machines: ReadonlyMap<WorkerId, string> = new Map(),
  ) {
    this.#history = history;
    this.#mask = mask;
    this.#machines = machines;
  }

  #machineOf(worker: WorkerId | null): string | undefined {
    return worker === null || this.#machines.size === 0 ? undefined : this.#machines.get(worker);
  }

  /** @returns the events of what was committed */
  committed(): WireEvent[] {
    this.#storedLines.committed();
    return this.#events.take();
  }

  rolledBack(): void {
    this.#storedLines.rolledBack();
    this.#events.take();
  }

  /** What main gets of a result. */
  #announced(wants: WantsResult, result: string): string {
    if (wants === "no") return "null";
    if (wants === "yes" || result.length <= maxSentResult) return result;
    return this.#history.keepsResults ? staysInFile : result;
  }

  /**
   * @param unitFailure why the unit that this record ends could not be applied
   * @param worker of the attempt
   * @param rows of the unit that this record ends
   */
  task(
    record: TaskRecord,
    unitFailure: Failure | undefined,
    worker: WorkerId | null,
    rows = 0,
  ): void {
    switch (record.type) {
      case "started":
        return this.#started(record, worker);
      case "progress":
        return this.#progressed(record);
      case "log":
        return this.#logged(record, this.#machineOf(worker));
      case "checkpoint":
        this.#history.setCursor(record.id, record.cursor, rows);
        this.#events.add({ type: "task-checkpoint", id: record.id, cursor: record.cursor });
        return;
      case "queried":
        this.#history.setQueried(nameOfKey(record.key), record.by);
        return;
      case "finished":
        return this.#finished(
          unitFailure === undefined ? record : withFailure(record, this.#masked(unitFailure)),
          worker,
          rows,
        );
      default:
        assertNever(record);
    }
  }

  /** A refused row, or an error of a message's `apply`, may quote a secret. */
  #masked(failure: Failure): Failure {
    return this.#mask === undefined ? failure : this.#mask.data(failure);
  }

  /** The hot path: a task that is done and reported no progress. */
  done(completion: Completion, worker: WorkerId | null, rows = 0): void {
    const { id, name, key, attempt, startedAt, at, result, wantsResult } = completion;
    const { cpuMs, waitedMs, input = null, needs = null, position = 0 } = completion;
    const label =
      completion.label === undefined || completion.label === "" ? null : completion.label;
    const machine = this.#machineOf(worker);
    this.#history.setDone(
      id,
      name,
      key,
      attempt,
      startedAt,
      at,
      result,
      rows,
      cpuMs,
      waitedMs,
      input,
      label,
      needs,
      worker,
      position,
      machine ?? null,
    );
    this.#events.addDone(id, startedAt, at, this.#announced(wantsResult, result), label, machine);
  }

  main(record: Exclude<MainRecord, Interrupted>): void {
    switch (record.type) {
      case "queued":
        return this.#history.setTask({ ...blank, ...plannedOf(record), status: "queued" });
      case "again":
        return this.#history.setAgain(plannedOf(record));
      case "skipped":
        return this.#skipped(record);
      case "left":
        return this.#history.setLeft(record.ranges);
      case "reused":
        return this.#reused(record);
      case "not-reused":
        return this.#history.setNotReused(record.id, record.name, record.key, record.reason);
      case "finished":
        return this.#finished(record, record.worker, 0);
      case "log":
        return this.#logged(record, undefined);
      default:
        assertNever(record);
    }
  }

  #started(record: Extract<TaskRecord, { type: "started" }>, worker: WorkerId | null): void {
    const { id, name, key, attempt, at, waitedMs = null, label } = record;
    const row = { ...blank, ...itemOf(record), id, name, key, attempt, startedAt: at, waitedMs };
    const machine = this.#machineOf(worker);
    if (record.goesOn === true)
      this.#storedLines.add(id, attempt, this.#history.goesOn(id, attempt, at));
    this.#history.setTask({ ...row, status: "running", worker, machine: machine ?? null });
    this.#events.add({ type: "task-started", id, name, attempt, at, label, machine });
  }

  #progressed({ id, progress, message }: Extract<TaskRecord, { type: "progress" }>): void {
    this.#history.setProgress(id, progress, message ?? null);
    this.#events.add(
      message === undefined
        ? { type: "task-progress", id, progress }
        : { type: "task-progress", id, progress, message },
    );
  }

  #logged(record: Extract<TaskRecord, { type: "log" }>, machine: string | undefined): void {
    const { id, name, attempt, at, level, line, label } = record;
    if (this.#storedLines.take(record)) return;
    if (record.isCut !== true) this.#history.addLog({ id, attempt, at, level, line });
    this.#events.add({ type: "task-log", id, name, attempt, at, level, line, label, machine });
  }

  /** Main does not know the task any more when it hears of this: the event has all of it. */
  #skipped(record: Extract<MainRecord, { type: "skipped" }>): void {
    const { id, name, key, at, failure, input, label } = record;
    const row = { ...blank, ...itemOf(record), id, name, key, finishedAt: at, failure };
    this.#history.setTask({ ...row, status: "skipped" });
    this.#events.add({
      type: "task-finished",
      id,
      name,
      attempt: 0,
      status: "skipped",
      startedAt: null,
      at,
      failure,
      input,
      label,
    });
  }

  /** @param isLast the task's row is about this attempt. From now on it is about the next one: a retry is not used up */
  interrupted(record: Interrupted, isLast: boolean): void {
    const { id, name, key, attempt, worker, startedAt, at, failure } = record;
    const ended = { startedAt, finishedAt: at, outcome: "interrupted", failure } as const;
    const machine = this.#machineOf(worker) ?? null;
    this.#history.addAttempt({ id, attempt, worker, machine, ...ended });
    if (!isLast) return;
    const row = { ...blank, ...itemOf(record), id, name, key, attempt: attempt - 1, startedAt };
    this.#history.setTask({ ...row, status: "queued" });
  }

  #reused(record: Extract<MainRecord, { type: "reused" }>): void {
    const { id, name, key, at, result, wantsResult, from, endedAt, left, input, label } = record;
    const reason = `reused from run ${from.run}`;
    const row = {
      ...blank,
      ...itemOf(record),
      id,
      name,
      key,
      status: "done",
      finishedAt: at,
      result,
      progress: 1,
    } as const;
    this.#history.setReused({ row, reason, from, endedAt, left });
    const announced = this.#announced(wantsResult, result);
    this.#events.add({
      type: "task-finished",
      id,
      name,
      attempt: 0,
      status: "done",
      startedAt: null,
      at,
      reason,
      input,
      label,
      ...(wantsResult === "no" || announced === staysInFile ? {} : { result: announced }),
    });
  }

  #finished(record: Finished, worker: WorkerId | null, rows: number): void {
    const { id, name, attempt, startedAt, at, outcome, input, label } = record;
    const machine = this.#machineOf(worker);
    const where = { worker, machine: machine ?? null };
    if (outcome.status === "done") {
      const { result } = outcome;
      if (record.progress === undefined) {
        const { needs, position } = record;
        const ended = { startedAt: startedAt ?? at, result, input, label, needs, position };
        return this.done({ ...record, ...ended }, worker, rows);
      }
      this.#history.setTask({
        ...rowOf(record, 1, rows, where),
        status: "done",
        finishedAt: at,
        result,
        failure: null,
      });
      const announced = this.#announced(record.wantsResult, result);
      this.#events.addDone(id, startedAt ?? at, at, announced, label ?? null, machine);
      return;
    }
    const row = rowOf(record, 0, rows, where);
    const { failure } = outcome;
    if (outcome.status === "error" && outcome.retryAt !== undefined) {
      this.#history.setTask({ ...row, status: "queued", finishedAt: null, result: null, failure });
      const ended = { id, attempt, ...where, startedAt, finishedAt: at };
      this.#history.addAttempt({ ...ended, outcome: "error", failure });
      const { retryAt } = outcome;
      const again = { id, name, attempt, at, failure, retryAt, label, machine };
      this.#events.add({ type: "task-retrying", ...again });
      return;
    }
    const { status } = outcome;
    this.#history.setTask({ ...row, status, finishedAt: at, result: null, failure });
    const end = { status, startedAt, at, failure, machine } as const;
    this.#events.add({ type: "task-finished", id, name, attempt, ...end, label });
  }
}

const rowOf = (
  record: Finished,
  progress: number,
  rows: number,
  where: Pick<TaskRow, "worker" | "machine">,
) => ({
  id: record.id,
  name: record.name,
  key: record.key,
  attempt: record.attempt,
  startedAt: record.startedAt,
  progress: record.progress ?? progress,
  message: record.message ?? null,
  rows,
  cpuMs: record.cpuMs ?? null,
  waitedMs: record.waitedMs ?? null,
  ...where,
  ...itemOf(record),
});

/** An empty label says that there is none. */
const itemOf = ({
  input,
  label,
  needs,
  position,
}: PlannedItem): Pick<TaskRow, "input" | "label" | "needs" | "position"> => ({
  input: input ?? null,
  needs: needs ?? null,
  position: position ?? 0,
  label: label === undefined || label === "" ? null : label,
});

const plannedOf = (record: PlannedItem & Pick<TaskRow, "id" | "name" | "key">) => ({
  ...itemOf(record),
  id: record.id,
  name: record.name,
  key: record.key,
});

const blank = {
  attempt: 0,
  startedAt: null,
  finishedAt: null,
  result: null,
  failure: null,
  progress: 0,
  message: null,
  rows: 0,
  cpuMs: null,
  waitedMs: null,
  input: null,
  label: null,
  needs: null,
  worker: null,
  machine: null,
  position: 0,
} as const;

function withFailure(record: Finished, failure: Failure): Finished {
  const { outcome } = record;
  const retryAt = outcome.status === "done" ? outcome.retryAt : undefined;
  return {
    ...record,
    outcome:
      retryAt === undefined ? { status: "error", failure } : { status: "error", failure, retryAt },
  };
}
