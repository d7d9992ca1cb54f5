// The database that the page shows: one read-only connection, and what is kept between two questions.

import { realpathSync, statSync } from "node:fs";
import { hostname } from "node:os";

import { systemClock } from "../base/clock.ts";
import { Date } from "../base/globals.ts";
import { ownCommand } from "../base/own-command.ts";
import { sha256 } from "../base/sha256.ts";
import type { BusyHandler } from "../store/busy-handler.ts";
import { isRunAlive, type RunProcess } from "../store/liveness.ts";
import { openReader, type Reader } from "../store/read/reader.ts";
import type { RunForecast } from "../store/read/run-forecast.ts";
import { Forms } from "./actions/forms.ts";
import { Jobs } from "./actions/jobs.ts";
import { SqlProcesses } from "./data/sql-processes.ts";
import type { DrawnGraph } from "./contract.ts";
import type { ActiveTime } from "./index/active-time.ts";
import type { RunFailures } from "./index/run-failures.ts";
import { RunIndexes } from "./index/run-indexes.ts";
import { Kept } from "./kept.ts";
import { firstRun, OverwriteCheck } from "./overwrite-check.ts";

type Options = {
  readonly path: string;
  /** Nothing is started or ended. */
  readonly isReadOnly: boolean;
  /** The words that start pipeloom. Default: those that started this process. */
  readonly own?: readonly string[];
  /** Tells it from the others of one page. Default: null, it is the only one. */
  readonly id?: number | null;
  /** What the page has started. Default: those of this database. */
  readonly jobs?: Jobs;
  /** Waits for locks. Default: a lock of more than 250 ms is an error, so that a question does not hold up the others. */
  readonly busyHandler?: BusyHandler;
};

/** What has been opened, and the identity of the file that was at the path then. */
type Opened = {
  readonly file: string | undefined;
  readonly identity: string;
  readonly check: OverwriteCheck;
  readonly reader: Reader;
  readonly indexes: RunIndexes;
  readonly graphs: Kept<DrawnGraph>;
  readonly forecasts: Kept<RunForecast>;
  readonly activeTimes: Kept<ActiveTime>;
  readonly failures: Kept<RunFailures>;
};

export class PageDatabase implements Disposable {
  /** Null: the page shows only this one. */
  readonly id: number | null;
  /** Absolute. */
  readonly path: string;
  readonly isReadOnly: boolean;
  /** The words that start pipeloom. */
  readonly own: readonly string[];
  readonly jobs: Jobs;
  readonly forms: Forms;
  readonly queries: SqlProcesses;
  /** Of the page itself: they do not wait for those that a person types. */
  readonly counts: SqlProcesses;
  readonly #busyHandler: BusyHandler | undefined;
  #opened: Opened | undefined;
  #usedAt = systemClock.now();

  /** @throws ReaderError if there is no readable database */
  constructor({ path, isReadOnly, own = ownCommand(), id = null, jobs, busyHandler }: Options) {
    this.id = id;
    this.#busyHandler = busyHandler;
    // First: it says what is wrong with a path.
    const reader = openReader(path, busyHandler);
    this.path = realpathSync(path);
    this.#opened = opened(this.path, reader);
    this.isReadOnly = isReadOnly;
    this.own = own;
    this.jobs = jobs ?? new Jobs(own);
    this.forms = new Forms(own);
    this.queries = new SqlProcesses(own, this.path);
    this.counts = new SqlProcesses(own, this.path);
  }

  /**
   * Of the file that is at the path now: another one than before where it was replaced. SQLite itself would go on with the old file.
   * @throws ReaderError where there is none
   */
  get reader(): Reader {
    return this.#current().reader;
  }

  /**
   * Of the file that `reader` reads: another text where it was replaced, or other bytes were copied into it.
   * @throws like `reader`
   */
  get identity(): string {
    return this.#current().identity;
  }

  /** @throws like `reader` */
  get indexes(): RunIndexes {
    return this.#current().indexes;
  }

  /** Drawn, by what is stored. */
  get graphs(): Kept<DrawnGraph> {
    return this.#current().graphs;
  }

  /** By run and session. */
  get forecasts(): Kept<RunForecast> {
    return this.#current().forecasts;
  }

  /** By run and session. */
  get activeTimes(): Kept<ActiveTime> {
    return this.#current().activeTimes;
  }

  /**
   * The run of a process that the page has started. A file that nobody looks at is closed again. A run that was dead and is continued may be an old one, but its start by the page
   * is recent: few runs are looked at.
   * @throws ReaderError
   */
  runOf(pid: number, startedAt: number): number | undefined {
    const wasOpen = this.isOpen;
    try {
      return this.#runOf(pid, startedAt);
    } finally {
      if (!wasOpen) this.rest();
    }
  }

  #runOf(pid: number, startedAt: number): number | undefined {
    const [row] = this.reader.query(
      `SELECT id FROM (SELECT * FROM pipeline_runs ORDER BY id DESC LIMIT 1000)
        WHERE pid = ? AND host = ? AND (finished_at IS NULL OR finished_at >= ?) ORDER BY id DESC LIMIT 1`,
      [pid, hostname(), new Date(startedAt).toISOString()],
    );
    return row === undefined ? undefined : Number(row["id"]);
  }

  get isOpen(): boolean {
    return this.#opened !== undefined;
  }

  /** When it was read last, by the monotonic clock. */
  get usedAt(): number {
    return this.#usedAt;
  }

  /** Closes the file: what is asked for next opens it again. */
  rest(): void {
    this.#close();
  }

  /** By run. */
  get failures(): Kept<RunFailures> {
    return this.#current().failures;
  }

  readonly isAlive = (run: RunProcess): boolean => isRunAlive(this.path, run);

  [Symbol.dispose](): void {
    this.queries[Symbol.dispose]();
    this.counts[Symbol.dispose]();
    this.#close();
  }

  #current(): Opened {
    this.#usedAt = systemClock.now();
    const now = seenAt(this.path);
    if (this.#opened !== undefined && this.#opened.file === now?.file) {
      const { check, reader } = this.#opened;
      if (!check.isOverwritten(reader, now?.state ?? "")) return this.#opened;
    }
    this.#close();
    this.#opened = opened(this.path, openReader(this.path, this.#busyHandler));
    return this.#opened;
  }

  #close(): void {
    this.#opened?.indexes[Symbol.dispose]();
    this.#opened?.reader.close();
    this.#opened = undefined;
  }
}

function opened(path: string, reader: Reader): Opened {
  const seen = seenAt(path);
  return {
    file: seen?.file,
    // The number of a file that was deleted is given to the next one.
    identity: sha256(`${seen?.file} ${firstRun(reader)}`).slice(0, 16),
    check: new OverwriteCheck(path, seen?.state ?? ""),
    reader,
    indexes: new RunIndexes(reader),
    graphs: new Kept(),
    forecasts: new Kept(),
    activeTimes: new Kept(),
    failures: new Kept(),
  };
}

/** Which file it is, and its size and time. Undefined where no file can be seen. */
function seenAt(path: string): { readonly file: string; readonly state: string } | undefined {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return { file: `${dev}:${ino}`, state: `${size}:${mtimeNs}` };
  } catch {
    return undefined;
  }
}
