// The `ctx` of a running task. The Worker implements it.

import type { Json } from "./json-value.ts";
import type { MessageHandle } from "./message.ts";

/**
 * The value of one cell. A `Date` is stored as ISO 8601 text, a boolean as 0 or 1, an object or array as JSON text.
 * `undefined` means that the row does not name the column. Values that SQLite cannot store unchanged are errors: NaN, an
 * integer of more than 64 bits, half of a surrogate pair.
 */
export type CellValue =
  string | number | bigint | boolean | null | undefined | Date | Uint8Array | object;

/** From column to value. A column that the row does not name keeps its value on an update, and gets its default on an insert. */
export type Row = { readonly [column: string]: CellValue };

export type Rows = Iterable<Row | object> | AsyncIterable<Row | object>;

export type UpsertOptions = {
  /** The column or columns that identify a row. The table needs a PRIMARY KEY or UNIQUE index on them. */
  readonly key: string | readonly string[];
  /** The columns to overwrite when the key exists, or `"nothing"`. Default: every column that the row names. */
  readonly update?: readonly string[] | "nothing";
  /** As for `insert`. A table that is made has the key as its primary key. */
  readonly create?: boolean;
};

export type InsertOptions = {
  /**
   * Makes the table where it is missing, and adds columns that it lacks, in the transaction of the rows. A column gets the
   * type that keeps the values of all rows up to the next checkpoint as they are: INTEGER, REAL, TEXT or BLOB, and none
   * where they differ or are all null. A value that an existing column would change (`"007"` in INTEGER, 7 in TEXT) is an
   * error. Without a row, no table is made. Default: false.
   */
  readonly create?: boolean;
};

export type Log = {
  debug(...parts: unknown[]): void;
  info(...parts: unknown[]): void;
  warn(...parts: unknown[]): void;
  error(...parts: unknown[]): void;
};

/** Values that the tasks of a pipeline (by its name) keep from run to run, such as the position of an incremental load. */
export interface TaskState {
  /**
   * The value that was set last: by this attempt, or committed by another task of any run; undefined if there is none. A
   * value that a failed attempt has set since its last checkpoint is not there.
   * @throws Error (as a rejection) with `--no-store-task-status`, and for a database in memory
   */
  get<Value = unknown>(key: string): Promise<Value | undefined>;
  /**
   * Sets a value, in the transaction of the task's rows: with its `done` or its next `checkpoint`. Of two tasks that set one
   * key, the one that is committed last counts: order them with `after`.
   * @param value JSON, without secrets; null where there is none
   */
  set<Value>(key: string, value: Value & Json<Value>): Promise<void>;
}

export interface TaskContext {
  /**
   * Reports the task's progress. Only the latest report counts. Cheap enough to be called for every row.
   * @param step steps done, clamped to 0..total
   * @param total steps in all; the call is ignored unless it is above 0
   */
  progress(step: number, total: number, message?: string): void;
  /** The task's log. Its lines go to `task_logs`, to the screen above the bars, and to the log file. */
  readonly log: Log;
  /**
   * Adds or updates rows. They are committed with the task's `done` or its next `checkpoint`.
   *
   * An array or iterable is read before the call returns, and may be changed afterwards. An async iterable is read as its
   * rows arrive, and keeps its place among the other calls. A call stores all of its rows or, when it fails, none. A
   * failure that is neither awaited nor caught fails the task. When the task returns, calls that it has not awaited are
   * awaited; an async iterable for 10 s at most.
   *
   * Resolves when there is room for more rows: await it to bound memory. Rejects once the task has ended.
   */
  upsert(table: string, rows: Rows, options: UpsertOptions): Promise<void>;
  /** Adds rows, as `upsert` does. A row whose key exists fails the whole unit: all that the task has sent since its last checkpoint. */
  insert(table: string, rows: Rows, options?: InsertOptions): Promise<void>;
  /** Values that later runs of the pipeline read. (`cursor` is for later attempts of this task only.) */
  readonly state: TaskState;
  /** Sends a message. Its `apply` runs in the writer thread, in the task's transaction. */
  emit<Payload>(message: MessageHandle<Payload>, payload: Payload & Json<Payload>): Promise<void>;
  /** Commits the rows and messages sent so far. */
  checkpoint(): Promise<void>;
  /**
   * Commits the rows and messages sent so far, with a cursor from which a later attempt of this task starts.
   * Resolves after the commit. Rejects when an earlier send has failed and the failure was not caught: the cursor would
   * skip missing rows.
   * @param cursor a JSON value
   */
  checkpoint<Cursor>(cursor: Cursor & Json<Cursor>): Promise<void>;
  /** The cursor of the last committed checkpoint; undefined before the first. */
  readonly cursor: unknown;
  /** Reads committed rows; the connection is read-only. Integers beyond ±2^53 are bigints. */
  query<Result = Record<string, unknown>>(sql: string, ...params: QueryParam[]): Result[];
  /** Aborted on cancel and on timeout. Pass it to `fetch` and other APIs that take a signal. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly run: {
    readonly id: number;
    readonly pipeline: string;
    /**
     * The time of the schedule that this run is for (`--scheduled-for`), ISO 8601 UTC with milliseconds, the same in each
     * session of the run; null if it is for none. A task that reads it is not reused (`reuse`).
     */
    readonly scheduledFor: string | null;
    /**
     * The last such time before `scheduledFor` whose run was done when this one began; null if there was none. What has come
     * since then is this run's.
     */
    readonly previous: string | null;
  };
  readonly task: { readonly id: number; readonly name: string };
  /** The pipeline's params, checked and frozen. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The environment variables, with those of `.env` beside the pipeline file. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type QueryParam = string | number | bigint | boolean | null | Uint8Array;
