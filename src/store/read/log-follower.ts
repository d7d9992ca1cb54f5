// The log lines of a run that have come since the last look, also while old runs are pruned: SQLite gives the numbers of the
// last rows, once they are deleted, to new ones.

import { JSON } from "../../base/globals.ts";
import type { Reader } from "./reader.ts";
import { type LogFilter, type LogRow, passing } from "./task-logs.ts";

/** Bounds memory: whoever comes back after an hour may find millions of lines. */
const maxLines = 10_000;

type NewLines = {
  /** Oldest first. */
  readonly lines: readonly LogRow[];
  /** The next look finds more at once. */
  readonly hasMore: boolean;
};

export class LogFollower {
  readonly #reader: Reader;
  readonly #filter: LogFilter;
  readonly #maxLines: number;
  /** Rows up to this one have been looked at, as long as it is the same row. */
  #last: number;
  #identity: string;
  /** The last row of the run that has been looked at, or one before it. A run that is followed is not pruned. */
  #own: number;

  /** Lines that are there already are left out. */
  constructor(reader: Reader, filter: LogFilter, most = maxLines) {
    this.#reader = reader;
    // Tasks may get a name of the filter later.
    const { tasks } = filter;
    this.#filter =
      tasks.type === "name" ? { ...filter, tasks: { ...tasks, ids: undefined } } : filter;
    this.#maxLines = most;
    this.#last = this.#lastRow();
    this.#identity = this.#identityOf(this.#last);
    this.#own = rowOf(reader.query(lastOfRun, [filter.run]));
  }

  /** To be called in a snapshot. */
  next(): NewLines {
    const isSame = this.#identityOf(this.#last) === this.#identity;
    const from = isSame ? this.#last : this.#own;
    const lines: LogRow[] = [];
    let last = this.#lastRow();
    for (const { row, line } of passing(this.#reader, this.#filter, "l.rowid > ?", from, "ASC")) {
      lines.push(line);
      this.#own = row;
      if (lines.length < this.#maxLines) continue;
      last = row;
      break;
    }
    this.#last = last;
    this.#identity = this.#identityOf(last);
    return { lines, hasMore: lines.length === this.#maxLines };
  }

  #lastRow(): number {
    return rowOf(this.#reader.query("SELECT MAX(rowid) AS row FROM task_logs"));
  }

  #identityOf(row: number): string {
    const [found] = this.#reader.query(identity, [row]);
    return JSON.stringify(Object.values(found ?? {}));
  }
}

const lastOfRun = "SELECT MAX(rowid) AS row FROM task_logs WHERE run_id = ?";
const identity = "SELECT run_id, task_id, attempt, at FROM task_logs WHERE rowid = ?";

/** 0 without a row. */
const rowOf = (rows: ReturnType<Reader["query"]>): number => Number(rows[0]?.["row"] ?? 0);
