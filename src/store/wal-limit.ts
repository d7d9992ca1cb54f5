// Bounds the WAL. SQLite's automatic checkpoints copy pages into the file but restart the WAL only while no reader uses it:
// overlapping readers can prevent that for ever. So when the WAL exceeds its limit, the writer waits up to 200 ms for the
// current readers and restarts it; readers that begin meanwhile read from the file. The writer does not wait for a reader
// that stays in one transaction for minutes: the WAL grows, nothing is lost, and the writer tries again each time the WAL
// has doubled. The user is told when that begins and when it is over: the file is large, and reads are slow.

import type { Database } from "bun:sqlite";

import type { LogLevel } from "../protocol/status.ts";
import { walReaders } from "./lock-holder.ts";
import { onlyRow } from "./only-row.ts";
import { isBusy } from "./sqlite-error.ts";

/** How long a restart waits for readers. */
const readersMs = 200;

export class WalLimit {
  readonly #db: Database;
  readonly #path: string;
  readonly #limitBytes: number;
  readonly #say: (level: LogLevel, line: string) => void;
  #threshold: number;
  #isPinned = false;

  /** @param path of the database, which is a file in WAL mode */
  constructor(
    db: Database,
    path: string,
    limitBytes: number,
    say: (level: LogLevel, line: string) => void,
  ) {
    this.#db = db;
    this.#path = path;
    this.#limitBytes = limitBytes;
    this.#say = say;
    this.#threshold = limitBytes;
  }

  /** To be called after each commit. @param size of the -wal, in bytes */
  check(size: number): void {
    if (size <= this.#threshold) {
      if (this.#isPinned && size <= this.#limitBytes) this.#released();
      return;
    }
    if (restartWal(this.#db)) return this.#released();
    this.#threshold = size * 2;
    if (!this.#isPinned) this.#pinned(size);
  }

  #pinned(size: number): void {
    this.#isPinned = true;
    const reader = walReaders(this.#path) ?? "another program";
    this.#say(
      "warn",
      `the write-ahead log of ${this.#path} has grown to ${megabytes(size)} and cannot shrink: ` +
        `a read transaction is open in ${reader}; end it, or leave room on the disk (nothing is lost)`,
    );
  }

  #released(): void {
    this.#threshold = this.#limitBytes;
    if (!this.#isPinned) return;
    this.#isPinned = false;
    this.#say("info", `the write-ahead log of ${this.#path} is small again: the reader has ended`);
  }
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;

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
