// What a run records about itself in the database. `NoHistory` (`--no-store-task-status`) records nothing.

import type { Failure } from "../../base/failure.ts";
import type { SessionDurations } from "../../protocol/learned.ts";
import type { TaskId, WorkerId } from "../../protocol/ids.ts";
import type { RestoredPage } from "../../protocol/messages.ts";
import type { Code } from "../../protocol/reruns.ts";
import type { Execution, LeftTables, ReuseAsk, TaskParts } from "../../protocol/reuse.ts";
import type { LogLevel, RunStatus, TaskStatus } from "../../protocol/status.ts";
import type { CostCounter } from "./cost-counter.ts";
import type { StoredLine } from "./stored-lines.ts";
import type { DatabaseCall, LeftRange, MainRecord } from "../../protocol/writer-records.ts";

/** A task's whole row except its cursor, which only a checkpoint sets. Times are epoch ms. */
export type TaskRow = {
  readonly id: TaskId;
  readonly name: string;
  readonly key: string;
  readonly status: TaskStatus;
  readonly attempt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  /** JSON text. */
  readonly result: string | null;
  readonly failure: Failure | null;
  /** 0..1 */
  progress: number;
  message: string | null;
  /** Rows that were written since the last change of this task. */
  readonly rows: number;
  readonly cpuMs: number | null;
  /** Of the first attempt. Null: as it is in the file. */
  readonly waitedMs: number | null;
  /** See Item. Null: what the row has stays. */
  readonly input: string | null;
  readonly label: string | null;
  readonly needs: string | null;
  /** Of the last attempt. Null: none, or not known. */
  readonly worker: WorkerId | null;
  /** As `worker`: the name of the machine, in a run with an engine. Null also where it is this one. */
  readonly machine: string | null;
  /** See PlannedItem. 0: its id; `unknownPosition`: not known. */
  readonly position: number;
};

/** A task that has not begun. */
export type PlannedTask = Pick<
  TaskRow,
  "id" | "name" | "key" | "input" | "label" | "needs" | "position"
>;

export type LogRow = {
  readonly id: TaskId;
  readonly attempt: number;
  /** Epoch ms. */
  readonly at: number;
  readonly level: LogLevel;
  readonly line: string;
};

/** An attempt that is over, and that another one follows. */
export type AttemptRow = {
  readonly id: TaskId;
  readonly attempt: number;
  /** Null: not known. */
  readonly worker: WorkerId | null;
  /** See TaskRow. */
  readonly machine: string | null;
  /** Epoch ms. */
  readonly startedAt: number | null;
  readonly finishedAt: number;
  readonly outcome: "error" | "interrupted";
  readonly failure: Failure;
};

export type RunEnd = {
  readonly status: Exclude<RunStatus, "running">;
  readonly failure: Failure | null;
  /** Epoch ms. */
  readonly at: number;
  readonly durations?: SessionDurations;
};

export type Sources = readonly (readonly [fingerprint: string, source: Uint8Array])[];

/** What a unit of a task has written. */
export type UnitWrites = {
  readonly tables: Set<string>;
  /** It may have written to any other table too. */
  readonly all: boolean;
  readonly hasEmitted: boolean;
};

/** `answered`: how many of the tasks, the first ones. Without a record, there is no result for them. */
export type LookedUp = {
  readonly answered: number;
  readonly records: readonly Extract<MainRecord, { type: "reused" | "not-reused" }>[];
};

/** A task that takes the result of an earlier run. */
export type ReusedTask = {
  readonly row: TaskRow;
  readonly reason: string;
  readonly from: Execution;
  /** When that task ran, epoch ms. */
  readonly endedAt: number;
  readonly left: LeftTables;
};

/** A result as JSON text. */
export type StoredResult = readonly [id: TaskId, result: string];

/** Collects what changes, and writes it when the caller flushes within a transaction. */
export interface History {
  /** `storedResults` gives what was recorded. */
  readonly keepsResults: boolean;
  /** It wants to know what units write: some results may be taken by later runs. */
  readonly recordsWrites: boolean;
  /** There is nothing to flush. */
  readonly isEmpty: boolean;
  /** Undefined where nothing is recorded. */
  readonly costs: Pick<CostCounter, "rows" | "cpuMs"> | undefined;

  setTask(row: TaskRow): void;
  /**
   * The task is done, reported no progress, and changes no more. The hot path: takes no object. `worker` is stored only where the
   * row says something else beside the result: binding one value more costs a short task 1 %.
   */
  setDone(
    id: TaskId,
    name: string,
    key: string,
    attempt: number,
    startedAt: number,
    finishedAt: number,
    result: string,
    rows: number,
    cpuMs: number | undefined,
    waitedMs: number | undefined,
    input: string | null,
    label: string | null,
    needs: string | null,
    worker: WorkerId | null,
    position: number,
    machine: string | null,
  ): void;
  /** The task is to run from its beginning, and what depends on it. Not after `setTask` or `setDone` for the same task. */
  setAgain(task: PlannedTask): void;
  /** Tasks that earlier sessions have done, and that the plan does not have any more. */
  setLeft(ranges: readonly LeftRange[]): void;
  setProgress(id: TaskId, progress: number, message: string | null): void;
  /**
   * @param cursor JSON text
   * @param rows that were written since the last change of this task
   */
  setCursor(id: TaskId, cursor: string, rows: number): void;
  addLog(row: LogRow): void;
  addAttempt(row: AttemptRow): void;
  /**
   * The session that has begun this attempt died, and the attempt goes on.
   * @returns its last log lines that are stored, the newest first
   */
  goesOn(id: TaskId, attempt: number, startedAt: number): readonly StoredLine[];
  /** The number of tasks, as far as it is known. */
  setTotal(total: number): void;
  /** @param graph JSON text of `RunGraph` */
  setGraph(graph: string): void;
  setEnd(end: RunEnd): void;
  /** The run is done: nothing is left to be passed on downstream, and what was to run again and has not is in the plan no more. */
  endMarks(): void;
  /** The fingerprints of the definitions, and what else their results depend on. */
  setCode(code: Code, parts: readonly TaskParts[]): void;
  /** Of these fingerprints, those whose code is not stored. */
  withoutSource(fingerprints: readonly string[]): readonly string[];
  /** The code of fingerprints, gzip. */
  setSources(sources: Sources): void;
  setReused(task: ReusedTask): void;
  /** @param reason why there is a result that is not taken. Not after `setTask` or `setDone` for the same task. */
  setNotReused(id: TaskId, name: string, key: string, reason: string): void;
  /** Only where `recordsWrites`: a unit of the definition's task is applied. */
  setWrites(definition: string, task: TaskId, writes: UnitWrites): void;
  /** A task of the definition has read the database, or used the state. */
  setQueried(definition: string, by: DatabaseCall): void;
  /** A file that the definition's tasks declare has changed while they ran. */
  setFilesChanged(definition: string): void;
  /** @param definition its tasks have inserted rows or emitted messages (see repeat-rule.ts): running them again would do so twice */
  setRepeats(definition: string): void;

  /** Writes all changes. The caller holds the transaction. */
  flush(): void;
  /** What was flushed is committed. */
  committed(): void;
  /** Drops all changes since the last commit. The caller has rolled the transaction back. */
  discard(): void;
  /** Finalizes the statements: before that, the connection cannot be closed. */
  close(): void;

  /**
   * Tasks of the run's earlier sessions, in pages. To be read before the first flush.
   * @throws StoreError `corrupt` for a row that pipeloom cannot have written
   */
  restoredPages(): Iterable<RestoredPage>;
  /**
   * Results that stayed in the database, in pages, in the order of `ids`.
   * @throws as `restoredPages`
   */
  storedResults(ids: readonly TaskId[]): Iterable<readonly StoredResult[]>;
  /** What earlier runs say to tasks that have not begun: to as many as results fit into memory. */
  lookUp(asks: readonly ReuseAsk[]): LookedUp;
  /** Whether another run of this database is alive. */
  hasOtherLiveRuns(): boolean;
}
