// Closes the database of a run that could not begin, and removes the file if this run created it: a mistake in a schema must
// not leave a file behind.

import type { Database } from "bun:sqlite";

import { ownTables } from "../own-tables.ts";
import { closeDatabase } from "./close-database.ts";
import { noLock, type RunLock } from "../lock.ts";
import { removeFile } from "../database-path.ts";
import { sqliteCode } from "../sqlite-error.ts";

/** @param created this connection created the file */
export function closeAndDiscard(
  db: Database,
  path: string,
  created: boolean,
  lock: RunLock = noLock,
  keepsWal = false,
): void {
  let isOurs = false;
  try {
    isOurs = created && path !== ":memory:" && isUnused(db) && isAlone(db);
  } catch {
    // Unknown: keep the file.
  }
  try {
    closeDatabase(db, lock, keepsWal);
  } catch {
    // Not reported: it must not hide why the run could not begin.
  }
  if (isOurs) removeFile(path);
}

/** The file has only pipeloom's own tables, and no run. */
function isUnused(db: Database): boolean {
  using others = db.prepare(
    `SELECT 1 FROM sqlite_schema WHERE tbl_name NOT IN (${ownTables.map(() => "?").join(", ")}) AND tbl_name NOT LIKE 'sqlite_%' LIMIT 1`,
  );
  if (others.get(...ownTables) !== null) return false;
  using own = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'pipeline_runs'");
  if (own.get() === null) return true;
  using runs = db.prepare("SELECT 1 FROM pipeline_runs LIMIT 1");
  return runs.get() === null;
}

/** No other process has the file open, as far as SQLite can tell: leaving WAL needs exclusive access. */
function isAlone(db: Database): boolean {
  try {
    db.run("PRAGMA busy_timeout = 0");
    using journal = db.prepare<{ journal_mode: string }, []>("PRAGMA journal_mode = DELETE");
    return journal.get()?.journal_mode === "delete";
  } catch (thrown) {
    // The access was exclusive, and only the write failed.
    return /^SQLITE_(?:FULL|IOERR_WRITE)/.test(sqliteCode(thrown) ?? "");
  }
}
