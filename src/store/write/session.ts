// A run's hold on the database: the connection, the run's row, its lock, and the statements that write.

import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";

import { JSON } from "../../base/globals.ts";
import type { MessageHandle } from "../../api/message.ts";
import type { RunFinished, RunStarted } from "../../protocol/events.ts";
import type { Failure } from "../../base/failure.ts";
import type { RestoredTask, RunRequest, WriterOptions } from "../../protocol/messages.ts";
import type { TaskId } from "../../protocol/ids.ts";
import type { RunStatus } from "../../protocol/status.ts";
import { toIso } from "../../base/iso-time.ts";
import { CustomMessages } from "./custom-messages.ts";
import { closeDatabase } from "./close.ts";
import { hasDeferredKeys } from "./deferred-keys.ts";
import { closeAndDiscard } from "./discard.ts";
import { FileWatch } from "../file-watch.ts";
import type { RunLock } from "../lock.ts";
import { openDatabase, shortTuning, walLimitBytes } from "../open-database.ts";
import type { Patience } from "../patience.ts";
import {
  hasOtherLiveRuns,
  restoredTasks,
  prepareRun,
  type PreparedRun,
  refuseIfAlive,
} from "./resume.ts";
import { applySchema, SchemaError } from "./schema-sql.ts";
import { RunAliveError } from "../liveness.ts";
import { isWaitable } from "../sqlite-error.ts";
import { damagedRow, isFatal, toStoreError } from "../store-error.ts";
import { type StoredResult, storedResults } from "./stored-results.ts";
import { TaskRows } from "./task-rows.ts";
import { UnitApplier } from "./unit-applier.ts";
import { createWalGuard } from "../wal.ts";

/** How the run's row is to end. */
export type RunEnd = {
  readonly status: Exclude<RunStatus, "running">;
  readonly failure: Failure | null;
  /** Epoch ms. */
  readonly at: number;
};

export class Session {
  readonly db: Database;
  readonly started: RunStarted;
  /** The run is continued, and its last session ran other code. */
  readonly otherCode: boolean;
  /** When the run's first session began, epoch ms. */
  readonly beganAt: number;
  /** Undefined with `--no-store-task-status`. */
  readonly rows: TaskRows | undefined;
  readonly messages: CustomMessages;
  readonly unit: UnitApplier;
  /**
   * There are foreign keys that SQLite checks only at the commit. Each unit is a transaction of its own then: else it
   * would be chance which other unit mends what one has left open, or is blamed for it.
   */
  readonly commitsUnitsAlone: boolean;
  readonly #options: WriterOptions;
  readonly #lock: RunLock;
  readonly #guardWal: () => void;
  readonly #files: FileWatch;
  readonly #patience: Patience;

  private constructor(
    db: Database,
    options: WriterOptions,
    handles: readonly MessageHandle<never>[],
    started: RunStarted,
    { lock, otherCode, startedAt }: PreparedRun,
    patience: Patience,
  ) {
    this.db = db;
    this.#options = options;
    this.started = started;
    this.#lock = lock;
    this.otherCode = otherCode;
    this.beganAt = startedAt;
    this.#patience = patience;
    this.rows = options.storeTaskStatus ? new TaskRows(db, started.run, patience) : undefined;
    this.messages = new CustomMessages(db, handles, patience);
    this.unit = new UnitApplier(db, options.storeTaskStatus, this.messages, patience);
    this.commitsUnitsAlone = hasDeferredKeys(db);
    this.#files = new FileWatch(options.db, options.wal);
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
    patience: Patience,
  ): Session {
    const isNew = !existsSync(options.db);
    const db = openDatabase(options, shortTuning, (reader) =>
      refuseIfAlive(reader, options, request),
    );
    let run: PreparedRun | undefined;
    try {
      if (request.schema !== null) applySchema(db, request.schema);
      run = prepareRun(db, options, request, now);
      const started = runStarted(options, request, run, now);
      return new Session(db, options, handles, started, run, patience);
    } catch (thrown) {
      closeAndDiscard(db, options.db, isNew, run?.lock, thrown instanceof RunAliveError);
      // A statement that found the disk full is no mistake in the schema.
      const isMistake = thrown instanceof SchemaError && !isWaitable(thrown) && !isFatal(thrown);
      throw isMistake ? thrown : toStoreError(thrown, options.db);
    }
  }

  /** What earlier sessions of the run left, in pages; to be read before anything is written. */
  *restoredTasks(): Generator<readonly RestoredTask[]> {
    if (!this.started.resumed) return;
    for (const page of restoredTasks(this.db, this.started.run, this.#patience)) {
      for (const task of page) this.#checkStored(task);
      yield page;
    }
  }

  /** Main hands on as text what stands here: what is no JSON would be found far from its cause. */
  #checkStored({ id, status, result, cursor }: Stored): void {
    for (const [what, json] of [
      [status === "failed" ? "error" : "result", result],
      ["cursor", cursor],
    ] as const) {
      if (json === null || isJson(json)) continue;
      const { run } = this.started;
      throw damagedRow(this.#options.db, `the ${what} of task ${id} of run ${run}`);
    }
  }

  /** Long results that `restoredTasks` left in the file. */
  *storedResults(ids: readonly TaskId[]): Generator<readonly StoredResult[]> {
    for (const page of storedResults(this.db, this.started.run, ids, this.#patience)) {
      for (const [id, result] of page)
        this.#checkStored({ id, status: "done", result, cursor: null });
      yield page;
    }
  }

  /**
   * Ends the transaction, if there is something to write.
   * @param total how many tasks there are, where that has changed
   * @throws what SQLite throws; with a constraint's code, `rollBack` and the units one by one are what can be done.
   *   StoreError `file-gone` when what was committed is not where it would be looked for
   */
  commit(total: number | undefined): void {
    const { db, rows } = this;
    const hasRows = rows !== undefined && (!rows.isEmpty || total !== undefined);
    if (!hasRows && !db.inTransaction) return;
    if (!db.inTransaction) this.#patience.run(() => db.run("BEGIN IMMEDIATE"));
    rows?.flush();
    if (rows !== undefined && total !== undefined) {
      const { run } = this.started;
      this.#patience.run(() =>
        db.run("UPDATE pipeline_runs SET tasks_total = ? WHERE id = ?", [total, run]),
      );
    }
    this.#commitSafely();
    this.#guardWal();
  }

  #commitSafely(): void {
    this.#patience.run(() => this.db.run("COMMIT"));
    this.#files.check();
  }

  /** Undoes the open transaction, and forgets what it was to hold. */
  rollBack(): void {
    if (this.db.inTransaction) this.db.run("ROLLBACK");
    this.rows?.discard();
  }

  /**
   * Ends the run: its row first, which is what counts.
   * @returns what kept the file from being tidied up, if anything did
   * @throws as `commit` does; the session is then still to be aborted
   */
  close({ status, failure, at }: RunEnd): { finished: RunFinished; untidy: unknown } {
    const { run } = this.started;
    if (this.rows !== undefined) this.#writeEnd({ status, failure, at });
    const finished = { type: "run-finished", run, status, at } as const;
    return {
      finished: failure === null ? finished : { ...finished, failure },
      untidy: this.#tidyAndClose(),
    };
  }

  #writeEnd({ status, failure, at }: RunEnd): void {
    const error = failure === null ? null : JSON.stringify(failure);
    this.#patience.run(() => this.db.run("BEGIN IMMEDIATE"));
    this.db.run("UPDATE pipeline_runs SET status = ?, finished_at = ?, error = ? WHERE id = ?", [
      status,
      toIso(at),
      error,
      this.started.run,
    ]);
    this.#commitSafely();
  }

  #tidyAndClose(): unknown {
    try {
      this.#finalize();
      const { db, storeTaskStatus, wal } = this.#options;
      const keepsWal = wal && storeTaskStatus && hasOtherLiveRuns(this.db, db, this.started.run);
      closeDatabase(this.db, this.#lock, keepsWal);
      return undefined;
    } catch (thrown) {
      this.#lock.release();
      return this.explain(thrown);
    }
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
    const { db } = this;
    quietly(() => db.inTransaction && db.run("ROLLBACK"));
    quietly(() => this.#finalize());
    // The close removes what stands under the -wal's name, and that may be another process's now.
    if (!this.#files.hasForeignWal) {
      // SQLite does not do it for a file that was moved, which would be without its last transactions.
      quietly(() => db.run("PRAGMA wal_checkpoint(PASSIVE)"));
      quietly(() => db.close(true));
    }
    this.#lock.release();
  }
}

type Stored = Pick<RestoredTask, "id" | "status" | "result" | "cursor">;

function isJson(text: string): boolean {
  // What most tasks yield; of these there may be millions.
  if (text === "null") return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whatever is wrong with the file by now, the failure that led here is the one to tell. */
function quietly(act: () => void): void {
  try {
    act();
  } catch {}
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
