// A run that could not begin leaves no database behind that it has made itself: a typing error in a schema is no reason
// for a file.

import type { Database } from "bun:sqlite";

import { ownTables } from "../own-tables.ts";
import { closeDatabase } from "./close.ts";
import { noLock, type RunLock } from "../lock.ts";
import { removeFile } from "../database-path.ts";
import { sqliteCode } from "../sqlite-error.ts";

/** @param created the file was not there before this connection was opened */
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
    // It cannot be known.
  }
  try {
    closeDatabase(db, lock, keepsWal);
  } catch {
    // Why the run could not begin is what matters.
  }
  if (isOurs) removeFile(path);
}

/** It holds nothing but pipeloom's own tables, and no run. */
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

/** No other process has it open, as far as SQLite can tell: leaving WAL needs the file for oneself. */
function isAlone(db: Database): boolean {
  try {
    db.run("PRAGMA busy_timeout = 0");
    using journal = db.prepare<{ journal_mode: string }, []>("PRAGMA journal_mode = DELETE");
    return journal.get()?.journal_mode === "delete";
  } catch (thrown) {
    // Then the file was had for oneself, and only could not be written.
    return /^SQLITE_(?:FULL|IOERR_WRITE)/.test(sqliteCode(thrown) ?? "");
  }
}
