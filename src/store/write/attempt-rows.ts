// `task_attempts`: attempts that are over and are not the last one. Most runs have none, so nothing is prepared before the first.

import type { Database } from "bun:sqlite";

import { JSON } from "../../base/globals.ts";
import { toIso } from "../../base/iso-time.ts";
import type { RunId, TaskId } from "../../protocol/ids.ts";
import { ofRun } from "../own-tables.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { BulkInsert } from "./bulk-insert.ts";
import type { AttemptRow } from "./history.ts";
import type { MachineRows } from "./machine-rows.ts";

const columns =
  "run_id, task_id, attempt, worker, started_at, finished_at, outcome, error, machine";
const insertSql = (values: string): string =>
  `INSERT INTO task_attempts (${columns}) VALUES ${values}`;

/** The attempt that a task's row is about. Nobody remembers its worker, but its machine. */
const lastOf = (outcome: string, where: string): string =>
  `INSERT INTO task_attempts (${columns}) SELECT run_id, id, attempt, NULL, started_at, finished_at, ${outcome}, error, machine
    FROM task_runs WHERE ${where} AND attempt > 0 AND started_at IS NOT NULL`;

/** What `keepInterrupted` has added. */
const continuedSql =
  "DELETE FROM task_attempts WHERE run_id = ? AND task_id = ? AND attempt = ? AND started_at = ? AND outcome = 'interrupted'";

/** Before a dead run's tasks are made ready to continue: the attempts that its end has interrupted, and those that were cancelled. */
export function keepInterrupted(db: Database, run: RunId): void {
  const outcome = "CASE status WHEN 'running' THEN 'interrupted' ELSE status END";
  db.run(lastOf(outcome, `${ofRun("?1")} AND status IN ('running', 'cancelled')`), [run]);
}

export class AttemptRows {
  readonly #db: Database;
  readonly #run: RunId;
  readonly #busyHandler: BusyHandler;
  readonly #machines: MachineRows;
  #rows: BulkInsert | undefined;
  /** Task, attempt, start. */
  #continued: (readonly [TaskId, number, string])[] = [];

  constructor(db: Database, run: RunId, busyHandler: BusyHandler, machines: MachineRows) {
    this.#machines = machines;
    this.#db = db;
    this.#run = run;
    this.#busyHandler = busyHandler;
  }

  get isEmpty(): boolean {
    return this.#continued.length === 0 && (this.#rows?.isEmpty ?? true);
  }

  /** The session that has begun this attempt died, and the attempt goes on: it was not interrupted. */
  goesOn(id: TaskId, attempt: number, startedAt: number): void {
    this.#continued.push([id, attempt, toIso(startedAt)]);
  }

  add(attempted: AttemptRow): void {
    const { id, attempt, worker, machine, startedAt, finishedAt, outcome, failure } = attempted;
    const row = `(${this.#run}, ?, ?, ?, ?, ?, ?, ?, ?)`;
    this.#rows ??= new BulkInsert(this.#db, this.#busyHandler, insertSql, row);
    const started = startedAt === null ? null : toIso(startedAt);
    const error = JSON.stringify(failure);
    const where = this.#machines.idOf(machine);
    this.#rows
      .nextRow()
      .push(id, attempt, worker, started, toIso(finishedAt), outcome, error, where);
  }

  /** The task of an earlier session runs again: its row is about to be overwritten, and says how that session's attempt ended. */
  keepLast(id: TaskId): void {
    const sql = lastOf("status", "run_id = ? AND id = ?");
    this.#busyHandler.run(() => this.#db.run(sql, [this.#run, id]));
  }

  flush(): void {
    for (const continued of this.#continued) {
      this.#busyHandler.run(() => this.#db.run(continuedSql, [this.#run, ...continued]));
    }
    this.#continued = [];
    this.#rows?.flush();
  }

  discard(): void {
    this.#continued = [];
    this.#rows?.discard();
  }

  close(): void {
    this.#rows?.close();
  }
}
