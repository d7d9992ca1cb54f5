// Switches a database between WAL and a rollback journal.

import type { Database } from "bun:sqlite";

import { systemClock } from "../base/clock.ts";
import { onlyRow } from "./only-row.ts";
import { isBusy } from "./sqlite-error.ts";
import { StoreError } from "./store-error.ts";

const retryMs = 20;

type Mode = "wal" | "delete";

/**
 * Sets the journal mode. That needs exclusive access to the file, for which SQLite does not always wait by itself. A
 * database in memory keeps its own mode.
 *
 * @throws StoreError `locked` after `timeoutMs`; `cannot-open` if the file does not support the mode
 */
export function setJournalMode(db: Database, path: string, wanted: Mode, timeoutMs: number): void {
  const deadline = systemClock.now() + timeoutMs;
  for (;;) {
    const mode = tryJournal(db, wanted);
    if (mode === wanted || mode === "memory") return;
    if (mode !== "busy") throw journalRefused(path, wanted, mode);
    if (systemClock.now() >= deadline) throw journalBusy(path, wanted);
    Bun.sleepSync(retryMs);
  }
}

function tryJournal(db: Database, wanted: Mode): string {
  try {
    using pragma = db.prepare<{ journal_mode: string }, []>(`PRAGMA journal_mode = ${wanted}`);
    return onlyRow(pragma.get()).journal_mode;
  } catch (thrown) {
    if (isBusy(thrown)) return "busy";
    throw thrown;
  }
}

const journalBusy = (path: string, wanted: Mode): StoreError =>
  new StoreError(
    "locked",
    wanted === "wal"
      ? `${path} is in use by another program, so it cannot be switched to WAL; close that program, or use --no-wal`
      : `${path} is in WAL mode and in use by another program, so it cannot leave it; close that program, or leave out --no-wal`,
  );

const journalRefused = (path: string, wanted: Mode, mode: string): StoreError =>
  new StoreError(
    "cannot-open",
    `${path} stays in journal mode "${mode}" and cannot be switched to "${wanted}"; ` +
      "a network folder may not support WAL: use --no-wal, or choose a local disk with --db",
  );
