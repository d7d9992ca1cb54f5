// A run's hold on the database: the connection, the run's row, its lock, and the statements that write.

import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";

import type { MessageHandle } from "../api/message.ts";
import type { RunFinished, RunStarted } from "../protocol/events.ts";
import type { Failure } from "../protocol/failure.ts";
import type { KnownTask, RunRequest, WriterOptions } from "../protocol/messages.ts";
import type { RunStatus } from "../protocol/status.ts";
import { toIso } from "../protocol/time.ts";
import { CustomMessages } from "./custom-messages.ts";
import { closeDatabase } from "./close.ts";
import { closeAndDiscard } from "./discard.ts";
import type { RunLock } from "./lock.ts";
import { openDatabase, walLimitBytes } from "./open.ts";
import { knownTasks, prepareRun, type PreparedRun, refuseIfAlive } from "./resume.ts";
import { applySchema } from "./schema-sql.ts";
import { toStoreError } from "./store-error.ts";
import { TaskRows } from "./task-rows.ts";
import { UnitApplier } from "./unit-applier.ts";
import { createWalGuard } from "./wal.ts";

export class Session {
  readonly db: Database;
  readonly started: RunStarted;
  /** The run is continued, and its last session ran other code. */
  readonly otherCode: boolean;
  /** Undefined with `--no-store-task-status`. */
  readonly rows: TaskRows | undefined;
  readonly unit: UnitApplier;
  readonly #options: WriterOptions;
  readonly #lock: RunLock;
  readonly #guardWal: () => void;
  #total: number | undefined;

  private constructor(
    db: Database,
    options: WriterOptions,
    handles: readonly MessageHandle<never>[],
    started: RunStarted,
    { lock, otherCode }: PreparedRun,
  ) {
    this.db = db;
    this.#options = options;
    this.started = started;
    this.#lock = lock;
    this.otherCode = otherCode;
    this.rows = options.storeTaskStatus ? new TaskRows(db, started.run) : undefined;
    this.unit = new UnitApplier(db, new CustomMessages(db, handles));
    this.#guardWal = options.wal ? createWalGuard(db, options.db, walLimitBytes) : () => undefined;
  }

  /**
   * The schema comes first: when it fails, there is no run whose row would have to say so.
   * @throws StoreError or SchemaError; the connection is closed again then, and a file that it made is gone
   */
  static open(
    options: WriterOptions,
    request: RunRequest,
    handles: readonly MessageHandle<never>[],
    now: number,
  ): Session {
    const isNew = !existsSync(options.db);
    const db = openDatabase(options, undefined, (reader) =>
      refuseIfAlive(reader, options, request),
    );
    try {
      if (request.schema !== null) applySchema(db, request.schema);
      const run = prepareRun(db, options, request, now);
      const started = runStarted(options, request, run, now);
      return new Session(db, options, handles, started, run);
    } catch (thrown) {
      closeAndDiscard(db, options.db, isNew);
      throw thrown;
    }
  }

  /** What earlier sessions of the run left, in pages; to be read before anything is written. */
  *knownTasks(): Generator<readonly KnownTask[]> {
    if (this.started.resumed) yield* knownTasks(this.db, this.started.run);
  }

  setTotal(total: number): void {
    this.#total = total;
  }

  /** Ends the transaction, if there is something to write. */
  commit(): void {
    const { db } = this;
    const rows = this.rows;
    const hasRows = rows !== undefined && (!rows.isEmpty || this.#total !== undefined);
    if (!hasRows && !db.inTransaction) return;
    if (!db.inTransaction) db.run("BEGIN IMMEDIATE");
    rows?.flush();
    if (rows !== undefined && this.#total !== undefined) {
      db.run("UPDATE pipeline_runs SET tasks_total = ? WHERE id = ?", [
        this.#total,
        this.started.run,
      ]);
    }
    this.#total = undefined;
    db.run("COMMIT");
    this.#guardWal();
  }

  close(status: Exclude<RunStatus, "running">, failure: Failure | null, now: number): RunFinished {
    const error = failure === null ? null : JSON.stringify(failure);
    const { run } = this.started;
    if (this.rows !== undefined) {
      this.db.run("UPDATE pipeline_runs SET status = ?, finished_at = ?, error = ? WHERE id = ?", [
        status,
        toIso(now),
        error,
        run,
      ]);
    }
    this.#finalize();
    closeDatabase(this.db, this.#lock);
    const finished = { type: "run-finished", run, status, at: now } as const;
    return failure === null ? finished : { ...finished, failure };
  }

  #finalize(): void {
    this.rows?.finalize();
    this.unit.close();
  }

  /** What SQLite threw, said in terms of the file. */
  explain(thrown: unknown): unknown {
    return toStoreError(thrown, this.#options.db);
  }

  /** The writer cannot go on: undo what is open and let go. The run's row keeps `running`. */
  abort(): void {
    // Whatever is wrong with the file by now, the failure that led here is the one to tell.
    try {
      if (this.db.inTransaction) this.db.run("ROLLBACK");
      this.#finalize();
      this.db.close(true);
    } catch {}
    this.#lock.release();
  }
}

const runStarted = (
  options: WriterOptions,
  request: RunRequest,
  run: PreparedRun,
  now: number,
): RunStarted => ({
  type: "run-started",
  run: run.id,
  pipeline: request.pipeline,
  file: request.file,
  db: options.db,
  journal: options.db === ":memory:" ? "memory" : options.wal ? "wal" : "delete",
  workers: request.workers,
  concurrency: request.concurrency,
  at: now,
  resumed: run.resumed,
  alreadyDone: run.alreadyDone,
});
