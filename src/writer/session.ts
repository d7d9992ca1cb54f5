// A run's hold on the database: the connection, the run's row, its lock, and the statements that write.

import type { Database } from "bun:sqlite";

import type { MessageHandle } from "../api/message.ts";
import type { RunFinished, RunStarted } from "../protocol/events.ts";
import type { Failure } from "../protocol/failure.ts";
import { runId } from "../protocol/ids.ts";
import type { KnownTask, RunRequest, WriterOptions } from "../protocol/messages.ts";
import type { RunStatus } from "../protocol/status.ts";
import { toIso } from "../protocol/time.ts";
import { CustomMessages } from "./custom-messages.ts";
import { acquireRunLock, type RunLock } from "./lock.ts";
import { openDatabase, walLimitBytes } from "./open.ts";
import { applySchema } from "./schema-sql.ts";
import { toStoreError } from "./store-error.ts";
import { TaskRows } from "./task-rows.ts";
import { UnitApplier } from "./unit-applier.ts";
import { createWalGuard } from "./wal.ts";

export class Session {
  readonly db: Database;
  readonly started: RunStarted;
  readonly known: readonly KnownTask[];
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
    known: readonly KnownTask[],
    lock: RunLock,
  ) {
    this.db = db;
    this.#options = options;
    this.started = started;
    this.known = known;
    this.#lock = lock;
    this.rows = options.storeTaskStatus ? new TaskRows(db, started.run) : undefined;
    this.unit = new UnitApplier(db, new CustomMessages(db, handles));
    this.#guardWal = createWalGuard(db, options.db, walLimitBytes);
  }

  /** @throws StoreError or SchemaError; the connection is closed again then */
  static open(
    options: WriterOptions,
    run: RunRequest,
    handles: readonly MessageHandle<never>[],
    now: number,
  ): Session {
    const db = openDatabase(options);
    try {
      if (run.schema !== null) applySchema(db, run.schema);
      const row = options.storeTaskStatus
        ? db
            .query<{ id: number }, (string | number | null)[]>(
              "INSERT INTO pipeline_runs (pipeline, file, params, status, started_at, pid) VALUES (?,?,?,'running',?,?) RETURNING id",
            )
            .get(run.pipeline, run.file, run.params, toIso(now), process.pid)
        : { id: 1 };
      const id = runId(row?.id ?? 1);
      const lock = acquireRunLock(options.db, id);
      const started: RunStarted = {
        type: "run-started",
        run: id,
        pipeline: run.pipeline,
        file: run.file,
        db: options.db,
        journal: options.db === ":memory:" ? "memory" : options.wal ? "wal" : "delete",
        workers: run.workers,
        concurrency: run.concurrency,
        at: now,
        resumed: false,
        alreadyDone: 0,
      };
      return new Session(db, options, handles, started, [], lock);
    } catch (thrown) {
      db.close(true);
      throw thrown;
    }
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
    if (this.rows !== undefined) {
      this.db.run("UPDATE pipeline_runs SET status = ?, finished_at = ?, error = ? WHERE id = ?", [
        status,
        toIso(now),
        failure === null ? null : JSON.stringify(failure),
        this.started.run,
      ]);
    }
    this.rows?.finalize();
    this.unit.close();
    this.db.run("PRAGMA optimize");
    if (this.#options.wal) this.db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    this.db.close(true);
    this.#lock.release();
    return {
      type: "run-finished",
      run: this.started.run,
      status,
      at: now,
      ...(failure === null ? undefined : { failure }),
    };
  }

  /** What SQLite threw, said in terms of the file. */
  explain(thrown: unknown): unknown {
    return toStoreError(thrown, this.#options.db);
  }

  /** The writer cannot go on: undo what is open and let go. The run's row keeps `running`. */
  abort(): void {
    try {
      if (this.db.inTransaction) this.db.run("ROLLBACK");
      this.rows?.finalize();
      this.unit.close();
      this.db.close(true);
    } finally {
      this.#lock.release();
    }
  }
}
