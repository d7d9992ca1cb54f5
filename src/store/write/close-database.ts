// Closes the database at the end of a run: ANALYZE, checkpoint, no -wal and no -shm left, and then the run's lock is freed.

import { constants, type Database } from "bun:sqlite";

import { isBusy } from "../sqlite-error.ts";
import type { RunLock } from "../lock.ts";

/** How long the last checkpoint waits for readers. Pages that it cannot copy stay in the WAL, which is as safe. */
const readersMs = 250;

/** Rows that ANALYZE reads per index: with this, a table of millions takes milliseconds. */
const analysisLimit = 400;

/**
 * Closes the connection and frees the lock, also after an error. If another program has the file open, that program removes
 * the -wal and the -shm.
 *
 * @param keepsWal other runs use the file. SQLite cannot see a run that has lost its locks (see lock.ts), and this
 *   connection, as the last one to its knowledge, would remove the -wal that the run writes to.
 * @throws SQLite's errors, except locks of other programs that prevent the ANALYZE or the checkpoint
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

/** The close neither removes nor truncates the WAL. */
function keepWal(db: Database): void {
  db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
  db.run("PRAGMA journal_size_limit = -1");
}

function optimize(db: Database): void {
  db.run(`PRAGMA analysis_limit = ${analysisLimit}`);
  db.run("PRAGMA optimize");
}

function checkpoint(db: Database): void {
  // Apple's SQLite keeps the -wal by default.
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
