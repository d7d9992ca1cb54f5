// The clean end: upkeep, everything in the file itself, no -wal and -shm beside it, and only then the run's lock.

import { constants, type Database } from "bun:sqlite";

import { isBusy } from "../sqlite-error.ts";
import type { RunLock } from "../lock.ts";

/** How long the last checkpoint waits for readers. What it cannot move stays in the WAL: as safe, only not as tidy. */
const readersMs = 250;

/** Rows that ANALYZE looks at per index: bounds the upkeep of a table of millions to milliseconds. */
const analysisLimit = 400;

/**
 * Closes the connection and releases the lock, whatever goes wrong on the way. When another program has the file open,
 * the -wal and -shm are its to remove.
 *
 * @param keepsWal other runs use the file: who closes it last by its own lights must not remove the -wal under them, for a
 *   run that has lost its locks (see lock.ts) cannot be seen by SQLite
 * @throws what SQLite throws, except where another program only keeps it from tidying up
 */
export function closeDatabase(db: Database, lock: RunLock, keepsWal = false): void {
  try {
    tidy(db);
  } finally {
    closeAndRelease(db, lock, keepsWal);
  }
}

function tidy(db: Database): void {
  db.run(`PRAGMA busy_timeout = ${readersMs}`);
  quietly(() => optimize(db));
  quietly(() => checkpoint(db));
}

function closeAndRelease(db: Database, lock: RunLock, keepsWal: boolean): void {
  try {
    if (keepsWal) keepWal(db);
    db.close(true);
  } finally {
    lock.release();
  }
}

/** Neither removed nor cut at the close. */
function keepWal(db: Database): void {
  db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
  db.run("PRAGMA journal_size_limit = -1");
}

function optimize(db: Database): void {
  db.run(`PRAGMA analysis_limit = ${analysisLimit}`);
  db.run("PRAGMA optimize");
}

function checkpoint(db: Database): void {
  // Apple's SQLite keeps the -wal otherwise.
  db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 0);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

function quietly(act: () => void): void {
  try {
    act();
  } catch (thrown) {
    if (!isBusy(thrown)) throw thrown;
  }
}
