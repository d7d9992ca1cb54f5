// Whether the file has foreign keys that are checked only at the commit.

import type { Database } from "bun:sqlite";

/** By its words, as SQLite keeps them: one in a comment or a default costs a few commits more, and is never wrong. */
export function hasDeferredKeys(db: Database): boolean {
  using found = db.prepare(
    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%references%' AND sql LIKE '%deferred%' LIMIT 1",
  );
  return found.get() !== null;
}
