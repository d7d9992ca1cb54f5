// Detects foreign keys that SQLite checks only at the commit.

import type { Database } from "bun:sqlite";

/** Searches the stored SQL for words. A match in a comment or a default only costs a few more commits. */
export function hasDeferredKeys(db: Database): boolean {
  using found = db.prepare(
    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%references%' AND sql LIKE '%deferred%' LIMIT 1",
  );
  return found.get() !== null;
}
