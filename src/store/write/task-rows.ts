// `task_runs` and `task_logs`, written once per transaction: what a task went through since the last commit is one
// statement, be it its start, its progress and its end together.

import type { Database, Statement } from "bun:sqlite";

import { JSON } from "../../base/globals.ts";
import type { Failure } from "../../base/failure.ts";
import type { RunId, TaskId } from "../../protocol/ids.ts";
import type { LogLevel, TaskStatus } from "../../protocol/status.ts";
import { toIso } from "../../base/iso-time.ts";
import type { Patience } from "../patience.ts";

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

const taskRowsSql = (values: string): string =>
  `INSERT INTO task_runs (${columns}) VALUES ${values} ON CONFLICT (run_id, id) DO UPDATE SET ${update}`;
const logRowsSql = (values: string): string =>
  `INSERT INTO task_logs (run_id, task_id, attempt, at, level, line) VALUES ${values}`;

/** Measured: 32 rows a statement take a third less time than one by one; more rows gain nothing. */
const rowsPerStatement = 32;

/** Gathers rows and inserts them in statements of 32, the rest one by one. */
class Bulk {
  readonly #many: Statement<unknown, Cell[]>;
  readonly #one: Statement<unknown, Cell[]>;
  readonly #width: number;
  readonly #patience: Patience;
  #chunks: Cell[][] = [];
  #last: Cell[] = [];

  /** @param row the values of one row, with a `?` for each cell that differs */
  constructor(db: Database, patience: Patience, sql: (values: string) => string, row: string) {
    this.#patience = patience;
    this.#many = db.prepare(sql(Array.from({ length: rowsPerStatement }, () => row).join(", ")));
    this.#one = db.prepare(sql(row));
    this.#width = row.split("?").length - 1;
  }

  get isEmpty(): boolean {
    return this.#last.length === 0 && this.#chunks.length === 0;
  }

  /** The cells to append a row's to. */
  open(): Cell[] {
    if (this.#last.length === this.#width * rowsPerStatement) {
      this.#chunks.push(this.#last);
      this.#last = [];
    }
    return this.#last;
  }

  flush(): void {
    const width = this.#width;
    for (const chunk of this.#chunks) this.#write(this.#many, chunk);
    if (this.#last.length === width * rowsPerStatement) this.#write(this.#many, this.#last);
    else {
      for (let at = 0; at < this.#last.length; at += width) {
        this.#write(this.#one, this.#last.slice(at, at + width));
      }
    }
    this.discard();
  }

  /** Without WAL, a transaction that outgrows the cache writes into the file, for which readers must have left it. */
  #write(statement: Statement<unknown, Cell[]>, cells: readonly Cell[]): void {
    this.#patience.run(() => statement.run(...cells));
  }

  /** Forgets what is not written. */
  discard(): void {
    this.#chunks = [];
    this.#last = [];
  }

  finalize(): void {
    this.#many.finalize();
    this.#one.finalize();
  }
}

export class TaskRows {
  readonly #run: RunId;
  readonly #patience: Patience;
  readonly #tasks: Bulk;
  /** Most tasks are done without a word in between: what such rows have in common is in the statement. */
  readonly #done: Bulk;
  readonly #logs: Bulk;
  readonly #progress: Statement<unknown, Cell[]>;
  readonly #cursor: Statement<unknown, Cell[]>;
  readonly #rows = new Map<TaskId, TaskRow>();
  readonly #progressed = new Map<TaskId, { progress: number; message: string | null }>();
  readonly #cursors = new Map<TaskId, string>();

  constructor(db: Database, run: RunId, patience: Patience) {
    this.#run = run;
    this.#patience = patience;
    this.#tasks = new Bulk(db, patience, taskRowsSql, `(${run}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#done = new Bulk(
      db,
      patience,
      taskRowsSql,
      `(${run}, ?, ?, ?, 'done', 1, NULL, ?, ?, ?, ?, NULL)`,
    );
    this.#logs = new Bulk(db, patience, logRowsSql, `(${run}, ?, ?, ?, ?, ?)`);
    this.#progress = db.prepare(
      "UPDATE task_runs SET progress = ?, message = ? WHERE run_id = ? AND id = ?",
    );
    this.#cursor = db.prepare("UPDATE task_runs SET cursor = ? WHERE run_id = ? AND id = ?");
  }

  get isEmpty(): boolean {
    return (
      this.#rows.size === 0 &&
      this.#done.isEmpty &&
      this.#progressed.size === 0 &&
      this.#cursors.size === 0 &&
      this.#logs.isEmpty
    );
  }

  set(row: TaskRow): void {
    this.#rows.set(row.id, row);
    this.#progressed.delete(row.id);
  }

  /** `set` for a task that is done and that reported no progress: the common case, made cheap. */
  done(
    id: TaskId,
    name: string,
    key: string,
    attempt: number,
    startedAt: number | null,
    finishedAt: number,
    result: string,
  ): void {
    this.#rows.delete(id);
    this.#progressed.delete(id);
    const started = startedAt === null ? null : iso(startedAt);
    this.#done.open().push(id, name, key, attempt, started, iso(finishedAt), result);
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
    this.#logs.open().push(id, attempt, iso(at), level, line);
  }

  /** Inside the transaction. */
  flush(): void {
    for (const row of this.#rows.values()) {
      this.#tasks
        .open()
        .push(
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
    this.#tasks.flush();
    this.#done.flush();
    for (const [id, { progress, message }] of this.#progressed) {
      this.#patience.run(() => this.#progress.run(progress, message, this.#run, id));
    }
    for (const [id, cursor] of this.#cursors) {
      this.#patience.run(() => this.#cursor.run(cursor, this.#run, id));
    }
    this.#logs.flush();
    this.#clear();
  }

  /** Forgets what is not written. */
  discard(): void {
    for (const bulk of [this.#tasks, this.#done, this.#logs]) bulk.discard();
    this.#clear();
  }

  #clear(): void {
    this.#rows.clear();
    this.#progressed.clear();
    this.#cursors.clear();
  }

  finalize(): void {
    for (const bulk of [this.#tasks, this.#done, this.#logs]) bulk.finalize();
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
