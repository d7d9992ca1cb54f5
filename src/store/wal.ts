// Keeps the WAL bounded. SQLite's own checkpoints move pages into the file but start the WAL over only at a moment when
// no reader uses it: readers that follow one another closely can put that off for ever. So when the WAL has grown past
// its limit, the writer waits for the readers of the moment (new ones no longer need the WAL) and starts it over. A single
// reader that stays in one transaction for minutes cannot be waited for: the WAL then grows until it is done, nothing is
// lost, and the writer tries again each time the WAL has doubled.

import type { Database } from "bun:sqlite";
import { realpathSync, statSync } from "node:fs";

import { isBusy } from "./sqlite-error.ts";

const patienceMs = 200;

/**
 * @param path of the database; `:memory:` has no WAL
 * @returns to be called after a commit; cheap (one stat) while the WAL is small
 */
export function createWalGuard(db: Database, path: string, limitBytes: number): () => void {
  if (path === ":memory:") return () => {};
  // Beside the file itself, where the path is a link.
  const wal = `${realpathSync(path)}-wal`;
  let threshold = limitBytes;
  return () => {
    const size = statSync(wal, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= threshold) return;
    threshold = restartWal(db) ? limitBytes : size * 2;
  };
}

/** False when readers kept it from happening. */
function restartWal(db: Database): boolean {
  const before = timeout(db);
  db.run(`PRAGMA busy_timeout = ${patienceMs}`);
  try {
    using pragma = db.prepare<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)");
    return pragma.get()?.busy === 0;
  } catch (thrown) {
    if (isBusy(thrown)) return false;
    throw thrown;
  } finally {
    db.run(`PRAGMA busy_timeout = ${before}`);
  }
}

function timeout(db: Database): number {
  using pragma = db.prepare<{ timeout: number }, []>("PRAGMA busy_timeout");
  return pragma.get()?.timeout ?? 0;
}
