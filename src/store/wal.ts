// Bounds the WAL. SQLite's automatic checkpoints copy pages into the file but restart the WAL only while no reader uses it:
// overlapping readers can prevent that for ever. So when the WAL exceeds its limit, the writer waits up to 200 ms for the
// current readers and restarts it; readers that begin meanwhile read from the file. The writer does not wait for a reader
// that stays in one transaction for minutes: the WAL grows, nothing is lost, and the writer tries again each time the WAL
// has doubled.

import type { Database } from "bun:sqlite";
import { realpathSync, statSync } from "node:fs";

import { onlyRow } from "./only-row.ts";
import { isBusy } from "./sqlite-error.ts";

/** How long a restart waits for readers. */
const readersMs = 200;

/**
 * @param path of the database; `:memory:` has no WAL
 * @returns a function to call after each commit; it costs one stat while the WAL is small
 */
export function createWalGuard(db: Database, path: string, limitBytes: number): () => void {
  if (path === ":memory:") return () => {};
  // If the path is a link, SQLite creates the -wal beside the link's target.
  const wal = `${realpathSync(path)}-wal`;
  let threshold = limitBytes;
  return () => {
    const size = statSync(wal, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= threshold) return;
    threshold = restartWal(db) ? limitBytes : size * 2;
  };
}

/** False if readers prevented it. */
function restartWal(db: Database): boolean {
  const before = timeout(db);
  db.run(`PRAGMA busy_timeout = ${readersMs}`);
  try {
    using pragma = db.prepare<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)");
    return onlyRow(pragma.get()).busy === 0;
  } catch (thrown) {
    if (isBusy(thrown)) return false;
    throw thrown;
  } finally {
    db.run(`PRAGMA busy_timeout = ${before}`);
  }
}

function timeout(db: Database): number {
  using pragma = db.prepare<{ timeout: number }, []>("PRAGMA busy_timeout");
  return onlyRow(pragma.get()).timeout;
}
