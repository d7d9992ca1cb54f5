// What a running task is given as `ctx`. worker/context.ts implements it.

import type { MessageHandle } from "./message.ts";

/**
 * What one cell of a row may be. `Date` becomes ISO 8601 text, a boolean 0 or 1, objects and arrays JSON text;
 * `undefined` is as if the row did not name the column. What SQLite would store as something else is an error: NaN, an
 * integer beyond 64 bits, half of a surrogate pair.
 */
export type CellValue =
  string | number | bigint | boolean | null | undefined | Date | Uint8Array | object;

/** Column to value. A column that a row does not name keeps its value on an update, and gets its default on an insert. */
export type Row = { readonly [column: string]: CellValue };

export type Rows = Iterable<Row | object> | AsyncIterable<Row | object>;

export type UpsertOptions = {
  /** The column, or columns, that tell a row from another; the table needs a UNIQUE index or PRIMARY KEY on them. */
  readonly key: string | readonly string[];
  /** What to overwrite when the key is there: these of the columns that the row names, or `"nothing"`. Default: all that it names. */
  readonly update?: readonly string[] | "nothing";
};

export type Log = {
  debug(...parts: unknown[]): void;
  info(...parts: unknown[]): void;
  warn(...parts: unknown[]): void;
  error(...parts: unknown[]): void;
};

export interface TaskContext {
  /**
   * Reports how far the task is. Latest wins; cheap enough to call for every row.
   * @param step of `total`; clamped to 0..total
   * @param total above 0; otherwise the call is ignored
   */
  progress(step: number, total: number, message?: string): void;
  /** Lines of the task's log: in `task_logs`, above the bars, in the log file. */
  readonly log: Log;
  /**
   * Adds or updates rows, together with the task's `done` or its next `checkpoint`.
   *
   * An array or an iterable is read before the call returns, and may be changed afterwards; an async iterable is read
   * as its rows come, and keeps its place among the other calls. All or nothing: a call that fails stores no row of its
   * own. A failure that is neither awaited nor caught fails the task. What was not awaited is waited for when the task
   * has returned; an async iterable for 10 s at most. Once the task has ended, each call rejects.
   *
   * Resolves when there is room for more; awaiting it is what bounds memory.
   */
  upsert(table: string, rows: Rows, options: UpsertOptions): Promise<void>;
  /** Adds rows, together with the task's `done` or its next `checkpoint`. A row whose key is there fails the unit. */
  insert(table: string, rows: Rows): Promise<void>;
  /** Sends a message of your own; its `apply` runs in the writer, in the task's transaction. */
  emit<Payload>(message: MessageHandle<Payload>, payload: Payload): Promise<void>;
  /**
   * Commits what was sent so far, with a cursor: where a later attempt of this task starts.
   * Resolves after the commit. The cursor is a JSON value. Rejects when a send before it has failed and that was not
   * caught: the cursor would stand behind rows that are missing.
   */
  checkpoint(cursor?: unknown): Promise<void>;
  /** The cursor of the last committed checkpoint; undefined on a first start. */
  readonly cursor: unknown;
  /** Reads what is committed, read-only. Integers beyond 2^53 come as bigint. */
  query<Result = Record<string, unknown>>(sql: string, ...params: QueryParam[]): Result[];
  /** Aborted on cancel and on timeout. Hand it to `fetch` and the like. */
  readonly signal: AbortSignal;
  /** 1 for the first. */
  readonly attempt: number;
  readonly run: { readonly id: number; readonly pipeline: string };
  readonly task: { readonly id: number; readonly name: string };
  /** The pipeline's checked params, frozen. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The environment, `.env` included. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type QueryParam = string | number | bigint | boolean | null | Uint8Array;
