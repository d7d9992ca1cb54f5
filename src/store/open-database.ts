// Opens the database that a run writes to. It is first checked by reading only: a file that is refused stays byte for byte
// as it was, and a file that did not exist is not left behind. Only SQLite opens an existing file: see the limit in lock.ts.

import { constants, Database } from "bun:sqlite";
import { closeSync, existsSync, fsyncSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";

import type { WriterOptions } from "../protocol/run-request.ts";
import { checkPath, createFile, removeFile, sizeOf } from "./database-path.ts";
import { setJournalMode } from "./journal-mode.ts";
import { migrate, schemaVersion } from "./migrate.ts";
import { busyTimeoutMs } from "./busy-handler.ts";
import { isBusy, sqliteCode } from "./sqlite-error.ts";
import { toStoreError } from "./store-error.ts";

export type OpenTuning = {
  /** How long opening waits for other programs' locks. */
  readonly openTimeoutMs: number;
  /** How long one call of SQLite waits for them later. */
  readonly busyTimeoutMs: number;
};

const defaultTuning: OpenTuning = { openTimeoutMs: 5_000, busyTimeoutMs };
/** For callers that retry, and process messages between the tries. */
export const shortTuning: OpenTuning = { openTimeoutMs: 500, busyTimeoutMs };

/** 8 MiB. Appended pages need little cache, and for upserts into a large table, the operating system caches the file. */
const cacheKib = 8_192;

/**
 * A checkpoint every 16 MiB (4 KiB pages): a page that is rewritten within that span is copied to the file once. A reader
 * that stays in one transaction lets the WAL grow beyond its limit: see wal-limit.ts.
 */
const checkpointPages = 4_096;
/** The WAL is truncated to this size when it restarts. */
export const walLimitBytes = 64 * 1024 * 1024;

/**
 * The one connection that writes. Creates or migrates pipeloom's tables unless `storeTaskStatus` is off. Leaves
 * `user_version` and `application_id` alone: they are the user's.
 *
 * @param check called with a read-only connection to an existing file; throws if the file must not be used
 * @throws StoreError if the file cannot be used; it is then unchanged, or still absent
 */
export function openDatabase(
  options: WriterOptions,
  tuning: OpenTuning = defaultTuning,
  check: (db: Database) => void = () => undefined,
): Database {
  if (options.db === ":memory:") return prepare(new Database(":memory:", flags), options, tuning);
  checkPath(options.db);
  const created = createFile(options.db);
  let db: Database | undefined;
  try {
    if (!created) inspect(options, tuning, check);
    const hadWal = existsSync(`${options.db}-wal`);
    db = new Database(options.db, flags);
    prepare(db, options, tuning);
    if (hadWal) syncFolder(options.db);
    return db;
  } catch (thrown) {
    const untouched = created && (db === undefined || isEmpty(db, options.db));
    db?.close(true);
    if (untouched) removeFile(options.db);
    throw toStoreError(thrown, options.db);
  }
}

/** `strict`: a missing parameter is an error, not NULL. */
const flags = { readwrite: true, create: false, strict: true } as const;

function prepare(db: Database, options: WriterOptions, tuning: OpenTuning): Database {
  db.run(`PRAGMA busy_timeout = ${tuning.openTimeoutMs}`);
  setJournalMode(db, options.db, options.wal ? "wal" : "delete", tuning.openTimeoutMs);
  if (options.storeTaskStatus) migrate(db, options.db);
  setDurability(db, options);
  db.run("PRAGMA foreign_keys = ON");
  db.run(`PRAGMA cache_size = -${cacheKib}`);
  db.run(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  db.run(`PRAGMA journal_size_limit = ${walLimitBytes}`);
  // Last: the statements above wait for `openTimeoutMs`.
  db.run(`PRAGMA busy_timeout = ${tuning.busyTimeoutMs}`);
  return db;
}

/**
 * SQLite syncs the folder only if the connection that first syncs the WAL has created it. A WAL that a killed run or a reader
 * has created may otherwise lose its name in a power cut, and with it what was committed, while the database has a part of
 * a checkpoint.
 */
function syncFolder(path: string): void {
  // A folder cannot be opened there.
  if (process.platform === "win32") return;
  const folder = openSync(dirname(resolve(path)), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function setDurability(db: Database, { durability, wal }: WriterOptions): void {
  switch (durability) {
    case "full":
      // Without WAL, deleting the journal is the commit. EXTRA syncs the folder, so that it survives a power cut.
      db.run(`PRAGMA synchronous = ${wal ? "FULL" : "EXTRA"}`);
      // On macOS, fsync does not flush the drive's cache. Elsewhere these two do nothing.
      db.run("PRAGMA fullfsync = ON");
      db.run("PRAGMA checkpoint_fullfsync = ON");
      return;
    case "normal":
      db.run("PRAGMA synchronous = NORMAL");
  }
}

/** The first page is the header. A table needs a second one. */
const pageBytes = 4_096;

/** False if another run has begun to use the file that this one created, and if it cannot be known. */
function isEmpty(db: Database, path: string): boolean {
  try {
    using objects = db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1");
    return objects.get() === null;
  } catch (thrown) {
    // On a full disk, a file in WAL mode cannot be read because its -shm cannot be created.
    return !isBusy(thrown) && sizeOf(path) <= pageBytes && sizeOf(`${path}-wal`) === 0;
  }
}

/**
 * Reads the schema. A read-only connection does not change the journal mode, and does not checkpoint a dead run's WAL when
 * it is the last to close.
 */
function inspect(
  { db: path, storeTaskStatus }: WriterOptions,
  tuning: OpenTuning,
  check: (db: Database) => void,
): void {
  const hadWal = existsSync(`${path}-wal`);
  try {
    using db = new Database(path, { readonly: true });
    db.run(`PRAGMA busy_timeout = ${tuning.openTimeoutMs}`);
    if (storeTaskStatus) schemaVersion(db, path);
    else readSchema(db);
    check(db);
  } catch (thrown) {
    // A dead writer's journal must be rolled back first, and only a writing connection can do that.
    if (sqliteCode(thrown) === "SQLITE_READONLY_ROLLBACK") return;
    if (!hadWal) removeSidecars(path);
    throw thrown;
  }
}

function readSchema(db: Database): void {
  using objects = db.prepare("SELECT name FROM sqlite_schema");
  objects.all();
}

/** A read-only connection leaves the empty -wal and -shm that it creates. The last writing connection removes them. */
function removeSidecars(path: string): void {
  if (!existsSync(`${path}-wal`)) return;
  try {
    using db = new Database(path, flags);
    db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 0);
    readSchema(db);
  } catch {
    // The caller reports what is wrong with the file.
  }
}
