// `task_runs` and `task_logs`, written once per transaction: what a task went through since the last commit is one
// statement, be it its start, its progress and its end together.

import type { Database, Statement } from "bun:sqlite";

import type { Failure } from "../protocol/failure.ts";
import type { RunId, TaskId } from "../protocol/ids.ts";
import type { LogLevel, TaskStatus } from "../protocol/status.ts";
import { toIso } from "../protocol/time.ts";

/** All that a row says, but for the cursor, which only a checkpoint sets. Times are epoch ms. */
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
  progress: number;
  message: string | null;
};

export type LogRow = {
  readonly id: TaskId;
  readonly attempt: number;
  readonly at: number;
  readonly level: LogLevel;
  readonly line: string;
};

type Cell = string | number | null;

const columns =
  "run_id, id, name, key, status, progress, message, attempt, started_at, finished_at, result, error";
const update = columns
  .split(", ")
  .slice(2)
  .map((column) => `${column} = excluded.${column}`)
  .join(", ");

/** Several rows a statement save the crossings between JavaScript and SQLite: 10–20 % at 16, little beyond. */
const rowsPerStatement = 32;

const values = (width: number, rows: number): string =>
  Array.from(
    { length: rows },
    () => `(${Array.from({ length: width }, () => "?").join(", ")})`,
  ).join(", ");

const taskRowsSql = (rows: number): string =>
  `INSERT INTO task_runs (${columns}) VALUES ${values(12, rows)} ON CONFLICT (run_id, id) DO UPDATE SET ${update}`;
const logRowsSql = (rows: number): string =>
  `INSERT INTO task_logs (run_id, task_id, attempt, at, level, line) VALUES ${values(6, rows)}`;

/** Inserts many rows, in statements of 32 and of one. */
class Bulk {
  readonly #many: Statement<unknown, Cell[]>;
  readonly #one: Statement<unknown, Cell[]>;
  readonly #width: number;

  constructor(db: Database, sql: (rows: number) => string, width: number) {
    this.#many = db.prepare(sql(rowsPerStatement));
    this.#one = db.prepare(sql(1));
    this.#width = width;
  }

  run(cells: readonly Cell[]): void {
    const many = this.#width * rowsPerStatement;
    let at = 0;
    for (; at + many <= cells.length; at += many) this.#many.run(...cells.slice(at, at + many));
    for (; at < cells.length; at += this.#width)
      this.#one.run(...cells.slice(at, at + this.#width));
  }

  finalize(): void {
    this.#many.finalize();
    this.#one.finalize();
  }
}

export class TaskRows {
  readonly #run: RunId;
  readonly #tasks: Bulk;
  readonly #logs: Bulk;
  readonly #progress: Statement<unknown, Cell[]>;
  readonly #cursor: Statement<unknown, Cell[]>;
  readonly #rows = new Map<TaskId, TaskRow>();
  readonly #progressed = new Map<TaskId, { progress: number; message: string | null }>();
  readonly #cursors = new Map<TaskId, string>();
  #logCells: Cell[] = [];

  constructor(db: Database, run: RunId) {
    this.#run = run;
    this.#tasks = new Bulk(db, taskRowsSql, 12);
    this.#logs = new Bulk(db, logRowsSql, 6);
    this.#progress = db.prepare(
      "UPDATE task_runs SET progress = ?, message = ? WHERE run_id = ? AND id = ?",
    );
    this.#cursor = db.prepare("UPDATE task_runs SET cursor = ? WHERE run_id = ? AND id = ?");
  }

  get isEmpty(): boolean {
    return (
      this.#rows.size === 0 &&
      this.#progressed.size === 0 &&
      this.#cursors.size === 0 &&
      this.#logCells.length === 0
    );
  }

  set(row: TaskRow): void {
    this.#rows.set(row.id, row);
    this.#progressed.delete(row.id);
  }

  progress(id: TaskId, progress: number, message: string | null): void {
    const row = this.#rows.get(id);
    if (row === undefined) this.#progressed.set(id, { progress, message });
    else {
      row.progress = progress;
      row.message = message;
    }
  }

  cursor(id: TaskId, cursor: string): void {
    this.#cursors.set(id, cursor);
  }

  log({ id, attempt, at, level, line }: LogRow): void {
    this.#logCells.push(this.#run, id, attempt, iso(at), level, line);
  }

  /** Inside the transaction. */
  flush(): void {
    const cells: Cell[] = [];
    for (const row of this.#rows.values()) {
      cells.push(
        this.#run,
        row.id,
        row.name,
        row.key,
        row.status,
        row.progress,
        row.message,
        row.attempt,
        row.startedAt === null ? null : iso(row.startedAt),
        row.finishedAt === null ? null : iso(row.finishedAt),
        row.result,
        row.failure === null ? null : JSON.stringify(row.failure),
      );
    }
    this.#tasks.run(cells);
    for (const [id, { progress, message }] of this.#progressed) {
      this.#progress.run(progress, message, this.#run, id);
    }
    for (const [id, cursor] of this.#cursors) this.#cursor.run(cursor, this.#run, id);
    this.#logs.run(this.#logCells);
    this.#rows.clear();
    this.#progressed.clear();
    this.#cursors.clear();
    this.#logCells = [];
  }

  finalize(): void {
    this.#tasks.finalize();
    this.#logs.finalize();
    this.#progress.finalize();
    this.#cursor.finalize();
  }
}

let lastMs = Number.NaN;
let lastIso = "";

/** At 200,000 tasks a second, hundreds share a millisecond: formatting each would take a tenth of the writer's time. */
function iso(epochMs: number): string {
  if (epochMs !== lastMs) {
    lastMs = epochMs;
    lastIso = toIso(epochMs);
  }
  return lastIso;
}
