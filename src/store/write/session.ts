// A run's session in the database: the connection, the run's lock, its history, and the transaction.

import type { Database } from "bun:sqlite";
import { existsSync } from "node:fs";

import type { MessageHandle } from "../../api/message.ts";
import type { Learned } from "../../protocol/learned.ts";
import type { RunFinished, RunStarted } from "../../protocol/events.ts";
import {
  type KeepRule,
  type PassedOver,
  type RunRequest,
  threadsEngine,
  type WriterOptions,
} from "../../protocol/run-request.ts";
import type { Rerun } from "../../protocol/reruns.ts";
import type { KnownParts, SessionCode } from "../../protocol/reuse.ts";
import { knownParts } from "../known-parts.ts";
import { CustomMessages } from "./custom-messages.ts";
import { closeDatabase } from "./close-database.ts";
import { hasDeferredKeys } from "./deferred-keys.ts";
import { closeAndDiscard } from "./discard-database.ts";
import { FileWatch } from "../file-watch.ts";
import type { RunLock } from "../lock.ts";
import { openDatabase, shortTuning, walLimitBytes } from "../open-database.ts";
import type { BusyHandler } from "../busy-handler.ts";
import type { History, RunEnd } from "./history.ts";
import { pruneOldRuns } from "./keep-rule.ts";
import { learnedDurations } from "../read/learned-durations.ts";
import { queriesOf } from "../queries.ts";
import { NoHistory } from "./no-history.ts";
import { refuseIfAlive } from "../read/find-run.ts";
import { prepareRun, type PreparedRun } from "./prepare-run.ts";
import { ReusingHistory } from "./reusing-history.ts";
import { leftOutNotice, SchemaError } from "./schema-sql.ts";
import { isOfLiveRun, type RunProcess } from "../liveness.ts";
import { isFileFailure, isWaitable } from "../sqlite-error.ts";
import { SqliteHistory } from "./sqlite-history.ts";
import { isFatal, toStoreError } from "../store-error.ts";
import { UnitApplier } from "./unit-applier.ts";
import { WalLimit } from "../wal-limit.ts";
import { WrittenTables } from "./written-tables.ts";

/** A run whose row is written and whose lock is held. */
type BegunRun = {
  readonly db: Database;
  readonly options: WriterOptions;
  readonly handles: readonly MessageHandle<never>[];
  readonly started: RunStarted;
  readonly run: PreparedRun;
  readonly busyHandler: BusyHandler;
  readonly request: RunRequest;
  readonly code: SessionCode | undefined;
};

export class Session {
  readonly db: Database;
  readonly started: RunStarted;
  /** The code has changed since the run's last session, and which tasks that concerns is not known. */
  readonly otherCode: boolean;
  readonly reruns: readonly Rerun[];
  /** Start of the run's first session, epoch ms. */
  readonly beganAt: number;
  /** See PreparedRun. */
  readonly interrupted: RunProcess | undefined;
  readonly passedOver: PassedOver | undefined;
  /** How long tasks took in earlier runs; undefined where that is not known. */
  readonly learned: Learned | undefined;
  readonly history: History;
  readonly messages: CustomMessages;
  readonly unit: UnitApplier;
  /**
   * The database has foreign keys that SQLite checks only at the commit. Then each unit is a transaction of its own:
   * otherwise chance would decide which unit in the group satisfies another unit's key, or is blamed for it.
   */
  readonly commitsUnitsAlone: boolean;
  readonly #options: WriterOptions;
  readonly #lock: RunLock;
  readonly #hasMarks: boolean;
  readonly #wal: WalLimit | undefined;
  readonly #files: FileWatch;
  readonly #busyHandler: BusyHandler;
  readonly #keep: KeepRule | null;

  private constructor(begun: BegunRun) {
    const { db, options, started, run, busyHandler, request } = begun;
    this.db = db;
    this.#keep = request.keep;
    this.#options = options;
    this.started = started;
    this.#lock = run.lock;
    this.#hasMarks = run.hasMarks;
    this.otherCode = run.otherCode;
    this.reruns = run.reruns;
    this.beganAt = run.startedAt;
    this.interrupted = run.interrupted;
    this.passedOver = run.passedOver;
    this.#busyHandler = busyHandler;
    const writes = run.records === undefined ? undefined : new WrittenTables(db);
    this.history = historyOf(begun);
    this.learned = options.storeTaskStatus ? learnedDurations(queriesOf(db), started) : undefined;
    this.messages = new CustomMessages(db, begun.handles, busyHandler, writes);
    const recorded = options.storeTaskStatus
      ? { run: started.run, pipeline: started.pipeline }
      : null;
    this.unit = new UnitApplier(db, recorded, this.messages, busyHandler, writes);
    this.commitsUnitsAlone = hasDeferredKeys(db);
    this.#files = new FileWatch(options.db, options.wal);
    if (options.wal && options.db !== ":memory:")
      this.#wal = new WalLimit(db, options.db, walLimitBytes, (level, line) =>
        busyHandler.say(level, line),
      );
  }

  /**
   * A failed schema leaves no run behind.
   * @throws StoreError, SchemaError or CodeWantedError. The connection is then closed, and a file that it created is removed.
   */
  static open(
    options: WriterOptions,
    request: RunRequest,
    handles: readonly MessageHandle<never>[],
    now: number,
    busyHandler: BusyHandler,
    code?: SessionCode,
  ): Session {
    const isNew = !existsSync(options.db);
    const db = openDatabase(options, shortTuning, (reader) =>
      refuseIfAlive(reader, options, request),
    );
    let run: PreparedRun | undefined;
    try {
      run = prepareRun(db, options, request, now, code);
      const started = runStarted(options, request, run, now);
      const notice = leftOutNotice(run.id, run.leftOut);
      if (notice !== undefined) busyHandler.say("info", notice);
      return new Session({ db, options, handles, started, run, busyHandler, request, code });
    } catch (thrown) {
      closeAndDiscard(db, options.db, isNew, run?.lock, isOfLiveRun(thrown));
      // A full disk or a lock is no mistake in the schema.
      const isMistake = thrown instanceof SchemaError && !isWaitable(thrown) && !isFatal(thrown);
      throw isMistake ? thrown : toStoreError(thrown, options.db);
    }
  }

  /** What the results of earlier runs depended on. */
  knownParts(request: RunRequest): readonly KnownParts[] {
    return this.#busyHandler.run(() => knownParts(this.db, request));
  }

  /**
   * Flushes the history and commits. Does nothing if there is nothing to write.
   * @throws SQLite's error. With a constraint's code, call `rollBack` and apply the units one by one. StoreError
   *   `file-gone` if the committed data is not in the file at the path.
   */
  commit(): void {
    if (this.history.isEmpty && !this.db.inTransaction) return;
    const walBytes = this.#commit();
    this.#wal?.check(walBytes);
  }

  /** @returns the size of the -wal */
  #commit(): number {
    const { db } = this;
    if (!db.inTransaction) this.#busyHandler.run(() => db.run("BEGIN IMMEDIATE"));
    this.history.flush();
    this.#busyHandler.run(() => db.run("COMMIT"));
    this.history.committed();
    return this.#files.check();
  }

  /** Undoes the open transaction and drops the changes of the history. */
  rollBack(): void {
    if (this.db.inTransaction) this.db.run("ROLLBACK");
    this.history.discard();
  }

  /**
   * Ends the run: first its row, then the connection and the lock.
   * @returns `untidy`: the error that kept the file from being tidied up, if there was one
   * @throws as `commit` does; `abort` is then still to be called
   */
  close(end: RunEnd): { finished: RunFinished; untidy: unknown } {
    const { run } = this.started;
    const { status, failure, at } = end;
    this.history.setEnd(end);
    if (this.#hasMarks && status === "done") this.history.endMarks();
    if (!this.history.isEmpty) this.#commit();
    const { costs } = this.history;
    const spent = costs === undefined ? {} : { rows: costs.rows, cpuMs: costs.cpuMs };
    const finished = { type: "run-finished", run, status, at, ...spent } as const;
    return {
      finished: failure === null ? finished : { ...finished, failure },
      untidy: this.#tidyAndClose(at),
    };
  }

  /** @param now epoch ms */
  #tidyAndClose(now: number): unknown {
    let untidy: unknown;
    try {
      this.#closeStatements();
      untidy = this.#pruneOldRuns(now);
      const keepsWal = this.#options.wal && this.history.hasOtherLiveRuns();
      closeDatabase(this.db, this.#lock, keepsWal);
      return untidy;
    } catch (thrown) {
      this.#lock.release();
      return untidy ?? toStoreError(thrown, this.#options.db);
    }
  }

  /** @returns the error, if there was one: the connection is still to be closed */
  #pruneOldRuns(now: number): unknown {
    const { db: path, storeTaskStatus } = this.#options;
    if (this.#keep === null || !storeTaskStatus) return undefined;
    try {
      pruneOldRuns(this.db, path, this.started.pipeline, this.#keep, now);
      return undefined;
    } catch (thrown) {
      return toStoreError(thrown, path);
    }
  }

  #closeStatements(): void {
    this.history.close();
    this.unit.close();
  }

  /** Converts SQLite's error to one that names the file. A file or folder that is gone may show as an I/O error. */
  explain(thrown: unknown): unknown {
    if (isFileFailure(thrown)) {
      try {
        this.#files.check();
      } catch (gone) {
        return gone;
      }
    }
    return toStoreError(thrown, this.#options.db);
  }

  /** Ends the session after a failure: rolls back, closes, and frees the lock. The run's row keeps `running`. */
  abort(): void {
    const { db } = this;
    quietly(() => db.inTransaction && db.run("ROLLBACK"));
    quietly(() => this.#closeStatements());
    // The close would remove the file at the -wal's path, which may belong to another process now.
    if (!this.#files.hasForeignWal) {
      // SQLite skips the checkpoint if the file was moved. The moved file would lack its last transactions.
      quietly(() => db.run("PRAGMA wal_checkpoint(PASSIVE)"));
      quietly(() => db.close(true));
    }
    this.#lock.release();
  }
}

/** Errors of the clean-up must not hide the failure that led to it. */
function quietly(act: () => void): void {
  try {
    act();
  } catch {}
}

function historyOf({
  db,
  options,
  started: { run },
  run: { passesOn, records },
  busyHandler,
  request,
  code,
}: BegunRun): History {
  if (!options.storeTaskStatus) return new NoHistory();
  const hasMachines = request.engine !== threadsEngine;
  const stored = { db, path: options.db, run, busyHandler, hasMachines };
  if (records === undefined) return new SqliteHistory(stored, passesOn);
  const history = new ReusingHistory(stored, new Map(request.reuses), passesOn);
  history.begin(records.hasSchemaWritten, code?.parts ?? []);
  return history;
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
  ...(request.engine === threadsEngine ? {} : { engine: request.engine }),
  at: now,
  resumed: run.resumed,
  alreadyDone: run.alreadyDone,
  ...(run.slot === undefined ? {} : { slot: run.slot }),
});
