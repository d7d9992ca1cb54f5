// A run's history in `pipeline_runs`, `task_runs` and `task_logs`. All changes of a task within one transaction become
// one statement, e.g. its start, its progress and its end.

import type { DatabaseCall, LeftRange } from "../../protocol/writer-records.ts";
import type { Database, Statement } from "bun:sqlite";

import { IsoTimeCache } from "../../base/iso-time.ts";
import type { TaskStatus } from "../../protocol/status.ts";
import type { RunId, TaskId, WorkerId } from "../../protocol/ids.ts";
import type { RestoredPage } from "../../protocol/messages.ts";
import type { Code } from "../../protocol/reruns.ts";
import type { ReuseAsk, TaskParts } from "../../protocol/reuse.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { DefinitionChanges } from "./definitions.ts";
import { DownstreamReruns } from "./downstream-reruns.ts";
import { CostCounter } from "./cost-counter.ts";
import { BulkInsert, type HistoryCell } from "./bulk-insert.ts";
import { DoneRows } from "./done-rows.ts";
import { AttemptRows } from "./attempt-rows.ts";
import { followed } from "./followed-row.ts";
import type {
  AttemptRow,
  History,
  LogRow,
  LookedUp,
  PlannedTask,
  ReusedTask,
  RunEnd,
  Sources,
  StoredResult,
  TaskRow,
  UnitWrites,
} from "./history.ts";
import type { StoredLine } from "./stored-lines.ts";
import { LeaveRows } from "./leave-rows.ts";
import { MachineRows } from "./machine-rows.ts";
import { RunChanges } from "./run-changes.ts";
import { lastLines, restoredPages, storedResults, type StoredRun } from "./earlier-sessions.ts";
import { hasOtherLiveRuns } from "../read/run-rows.ts";
import { maxCountedByReaders, StatusCounts } from "./status-counts.ts";
import { cellsOf } from "./task-cells.ts";
import { logRowsSql, taskRowsSql } from "./task-rows-sql.ts";

export class SqliteHistory implements History {
  readonly keepsResults = true;
  readonly recordsWrites: boolean = false;
  readonly #db: Database;
  readonly #stored: StoredRun;
  readonly #run: RunId;
  readonly #busyHandler: BusyHandler;
  readonly #tasks: BulkInsert;
  readonly #done: DoneRows;
  readonly #logs: BulkInsert;
  readonly #attempts: AttemptRows;
  readonly #machines: MachineRows;
  readonly #hasMachines: boolean;
  readonly #progress: Statement<unknown, HistoryCell[]>;
  readonly #cursor: Statement<unknown, HistoryCell[]>;
  readonly #reruns: DownstreamReruns;
  readonly #left: LeaveRows;
  readonly #rows = new Map<TaskId, TaskRow>();
  readonly #progressed = new Map<TaskId, { progress: number; message: string | null }>();
  readonly #cursors = new Map<TaskId, { cursor: string; rows: number }>();
  readonly #definitions: DefinitionChanges;
  readonly #times = new IsoTimeCache();
  readonly costs = new CostCounter();
  readonly #counts: StatusCounts;
  readonly #maxCounted: number;
  readonly #runChanges: RunChanges;

  /**
   * @param passesOn tasks run again because they depend on others that do
   * @param maxCounted counts of more tasks than this are stored with each commit, and not only at the end
   */
  constructor(stored: StoredRun, passesOn = false, maxCounted: number = maxCountedByReaders) {
    const { db, run, busyHandler } = stored;
    this.#stored = stored;
    this.#db = db;
    this.#run = run;
    this.#busyHandler = busyHandler;
    this.#definitions = new DefinitionChanges(db, run, busyHandler);
    this.#counts = new StatusCounts(db, run, passesOn ? (id) => this.#statusOf(id) : undefined);
    this.#reruns = new DownstreamReruns(db, run, busyHandler);
    this.#left = new LeaveRows(db, run, busyHandler);
    this.#maxCounted = maxCounted;
    this.#runChanges = new RunChanges(db, run, busyHandler);
    this.#hasMachines = stored.hasMachines ?? false;
    this.#machines = new MachineRows(db, run, busyHandler);
    const cells = `?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?`;
    const task = `(${run}, ${cells}${this.#hasMachines ? ", ?" : ""})`;
    this.#tasks = new BulkInsert(db, busyHandler, taskRowsSql(this.#hasMachines), task);
    this.#done = new DoneRows(db, run, busyHandler, this.#hasMachines);
    this.#logs = new BulkInsert(db, busyHandler, logRowsSql, `(${run}, ?, ?, ?, ?, ?)`);
    this.#attempts = new AttemptRows(db, run, busyHandler, this.#machines);
    this.#progress = db.prepare(
      "UPDATE task_runs SET progress = ?, message = ? WHERE run_id = ? AND id = ?",
    );
    this.#cursor = db.prepare(
      "UPDATE task_runs SET cursor = ?, rows = rows + ? WHERE run_id = ? AND id = ?",
    );
  }

  get isEmpty(): boolean {
    return (
      this.#rows.size === 0 &&
      this.#done.isEmpty &&
      this.#progressed.size === 0 &&
      this.#cursors.size === 0 &&
      this.#logs.isEmpty &&
      this.#attempts.isEmpty &&
      this.#definitions.isEmpty &&
      this.#reruns.isEmpty &&
      this.#left.isEmpty &&
      this.#runChanges.isEmpty
    );
  }

  #statusOf(id: TaskId): TaskStatus | undefined {
    using row = this.#db.prepare<{ status: TaskStatus }, [number, number]>(
      "SELECT status FROM task_runs WHERE run_id = ? AND id = ?",
    );
    return this.#busyHandler.run(() => row.get(this.#run, id))?.status;
  }

  setTask(row: TaskRow): void {
    const before = this.#rows.get(row.id);
    this.#rows.set(row.id, before === undefined ? row : followed(before, row));
    // Another attempt follows a queued one.
    this.costs.add(row.rows, row.status === "queued" ? 0 : (row.cpuMs ?? 0));
    this.#progressed.delete(row.id);
  }

  // The hot path takes no object.
  // oxlint-disable-next-line max-params
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
    machineName: string | null,
  ): void {
    const before = this.#rows.size === 0 ? undefined : this.#rows.get(id);
    if (before !== undefined) this.#rows.delete(id);
    this.#progressed.delete(id);
    this.#counts.done(id);
    const started = this.#times.text(startedAt);
    const finished = this.#times.text(finishedAt);
    const written = rows + (before?.rows ?? 0);
    const isCheap = written === 0 && cpuMs === undefined && waitedMs === 0;
    const told = label ?? before?.label ?? null;
    const isPlain = told === null && needs === null && before === undefined;
    if (!isCheap) this.costs.add(rows, cpuMs ?? 0);
    const machine = this.#machines.idOf(machineName);
    if (isCheap && isPlain && attempt === 1) {
      this.#done.addPlain(id, name, key, started, finished, result, input, position, machine);
      return;
    }
    const cells = [id, name, key, attempt, started, finished, result];
    const costs = { cpuMs: cpuMs ?? null, waitedMs: waitedMs ?? before?.waitedMs ?? null };
    const more = { rows: written, ...costs, label: told, needs, worker, machine };
    this.#done.add(cells, more, input, position);
  }

  setAgain(task: PlannedTask): void {
    this.#reruns.again(task);
  }

  setLeft(ranges: readonly LeftRange[]): void {
    this.#left.add(ranges);
  }

  endMarks(): void {
    this.#reruns.end();
  }

  setProgress(id: TaskId, progress: number, message: string | null): void {
    const row = this.#rows.get(id);
    if (row === undefined) this.#progressed.set(id, { progress, message });
    else {
      row.progress = progress;
      row.message = message;
    }
  }

  setCursor(id: TaskId, cursor: string, rows: number): void {
    this.costs.add(rows, 0);
    this.#cursors.set(id, { cursor, rows: rows + (this.#cursors.get(id)?.rows ?? 0) });
  }

  addLog({ id, attempt, at, level, line }: LogRow): void {
    this.#logs.nextRow().push(id, attempt, this.#times.text(at), level, line);
  }

  addAttempt(row: AttemptRow): void {
    this.#attempts.add(row);
  }

  goesOn(id: TaskId, attempt: number, startedAt: number): readonly StoredLine[] {
    this.#attempts.goesOn(id, attempt, startedAt);
    return lastLines(this.#stored, id, attempt);
  }

  setTotal(total: number): void {
    this.#runChanges.setTotal(total);
  }

  setGraph(graph: string): void {
    this.#runChanges.setGraph(graph);
  }

  setEnd(end: RunEnd): void {
    this.#runChanges.setEnd(end);
  }

  setCode(code: Code, parts: readonly TaskParts[]): void {
    this.#definitions.setCode(code, parts);
  }

  withoutSource(fingerprints: readonly string[]): readonly string[] {
    return this.#definitions.withoutSource(fingerprints);
  }

  setSources(sources: Sources): void {
    this.#definitions.setSources(sources);
  }

  // Where no task uses `reuse`, nothing is recorded for it: see ReusingHistory.
  setReused({ row }: ReusedTask): void {
    this.setTask(row);
  }

  setNotReused(_id: TaskId, _name: string, _key: string, _reason: string): void {}
  setWrites(_definition: string, _task: TaskId, _writes: UnitWrites): void {}
  setQueried(_definition: string, _by: DatabaseCall): void {}
  setFilesChanged(_definition: string): void {}

  lookUp(asks: readonly ReuseAsk[]): LookedUp {
    return { answered: asks.length, records: [] };
  }

  setRepeats(definition: string): void {
    this.#definitions.setRepeats(definition);
  }

  flush(): void {
    this.#reruns.flush();
    this.#flushTasks();
    for (const [id, { progress, message }] of this.#progressed) {
      this.#busyHandler.run(() => this.#progress.run(progress, message, this.#run, id));
    }
    for (const [id, { cursor, rows }] of this.#cursors) {
      this.#busyHandler.run(() => this.#cursor.run(cursor, rows, this.#run, id));
    }
    this.#logs.flush();
    this.#attempts.flush();
    this.#machines.flush();
    this.#definitions.flush();
    this.#reruns.flushEnd();
    this.#runChanges.flush();
    this.#clear();
  }

  #flushTasks(): void {
    const counts = this.#counts;
    const isChanged = this.#rows.size > 0 || !counts.isEmpty || !this.#left.isEmpty;
    if (isChanged) counts.flush(this.#rows.values(), (id) => this.#attempts.keepLast(id));
    counts.left(this.#left.flush());
    for (const row of this.#rows.values()) {
      const cells = this.#tasks.nextRow();
      cells.push(...cellsOf(row, this.#times));
      if (this.#hasMachines) cells.push(this.#machines.idOf(row.machine));
    }
    this.#tasks.flush();
    this.#done.flush();
    const isLarge = counts.total > this.#maxCounted;
    if (this.#runChanges.isEnding || (isChanged && isLarge))
      this.#runChanges.storeCounts(counts.text);
  }

  committed(): void {
    this.#machines.committed();
    this.#counts.committed();
    this.#runChanges.committed();
    this.costs.committed();
  }

  discard(): void {
    this.#tasks.discard();
    this.#done.discard();
    this.#logs.discard();
    this.#attempts.discard();
    this.#definitions.discard();
    this.#counts.discard();
    this.#reruns.discard();
    this.#left.discard();
    this.#runChanges.discard();
    this.costs.discard();
    this.#clear();
  }

  #clear(): void {
    this.#rows.clear();
    this.#progressed.clear();
    this.#cursors.clear();
  }

  close(): void {
    this.#tasks.close();
    this.#done.close();
    this.#logs.close();
    this.#attempts.close();
    this.#progress.finalize();
    this.#runChanges.close();
    this.#cursor.finalize();
  }

  restoredPages(): Iterable<RestoredPage> {
    return restoredPages(this.#stored);
  }

  storedResults(ids: readonly TaskId[]): Iterable<readonly StoredResult[]> {
    return storedResults(this.#stored, ids);
  }

  hasOtherLiveRuns(): boolean {
    return hasOtherLiveRuns(this.#db, this.#stored.path, this.#run);
  }
}
