// Deletes the rows of old runs from pipeloom's own tables, in short transactions: a live run and readers go on meanwhile.
// A prune that is killed has deleted some of the rows; the next one deletes the rest.

import type { Database, Statement } from "bun:sqlite";

import { JSON } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import { removeStaleLock } from "../lock.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnTable } from "../own-tables.ts";
import type { BusyHandler } from "../busy-handler.ts";

export type Pruned = {
  /** Without those that came back to life: their rows stay. */
  readonly runs: ReadonlySet<RunId>;
  readonly tasks: number;
  readonly logs: number;
};

/** Rows of one transaction: the next one of a live run waits for it. Small runs share one, a large run takes several. */
const sliceRows = 10_000;

/** At most ?2 rows of run ?1. A run stays known until all its rows are gone. */
const deletes = {
  task_logs:
    "DELETE FROM task_logs WHERE rowid IN (SELECT rowid FROM task_logs WHERE run_id = ?1 LIMIT ?2)",
  task_attempts:
    "DELETE FROM task_attempts WHERE rowid IN (SELECT rowid FROM task_attempts WHERE run_id = ?1 LIMIT ?2)",
  task_runs:
    "DELETE FROM task_runs WHERE run_id = ?1 AND id IN (SELECT id FROM task_runs WHERE run_id = ?1 LIMIT ?2)",
  pipeloom_reusable:
    "DELETE FROM pipeloom_reusable WHERE run_id = ?1 AND task_id IN (SELECT task_id FROM pipeloom_reusable WHERE run_id = ?1 LIMIT ?2)",
  pipeloom_definitions:
    "DELETE FROM pipeloom_definitions WHERE run_id = ?1 AND name IN (SELECT name FROM pipeloom_definitions WHERE run_id = ?1 LIMIT ?2)",
  pipeloom_durations:
    "DELETE FROM pipeloom_durations WHERE run_id = ?1 AND task IN (SELECT task FROM pipeloom_durations WHERE run_id = ?1 LIMIT ?2)",
  pipeline_runs:
    "DELETE FROM pipeline_runs WHERE id IN (SELECT id FROM pipeline_runs WHERE id = ?1 LIMIT ?2)",
} as const satisfies Partial<Record<OwnTable, string>>;

const noneDeleted = {
  task_logs: 0,
  task_attempts: 0,
  task_runs: 0,
  pipeloom_reusable: 0,
  pipeloom_definitions: 0,
  pipeloom_durations: 0,
  pipeline_runs: 0,
};

type Table = keyof typeof deletes;
type Deletes = readonly (readonly [table: Table, statement: Statement<unknown, [RunId, number]>])[];
type Ended = { readonly id: RunId; readonly finished_at: string | null };

/** What a transaction has deleted. */
type Slice = { readonly deleted: Record<Table, number>; readonly runs: RunId[]; next: number };

export class Pruner {
  readonly #db: Database;
  readonly #busyHandler: Pick<BusyHandler, "run">;
  readonly #runs: readonly Ended[];
  readonly #isLate: () => boolean;

  /**
   * @param ids runs that are over
   * @param isLate asked between transactions: true stops the prune
   */
  constructor(
    db: Database,
    ids: readonly RunId[],
    busyHandler: Pick<BusyHandler, "run">,
    isLate: () => boolean = () => false,
  ) {
    this.#isLate = isLate;
    this.#db = db;
    this.#busyHandler = busyHandler;
    using ended = db.prepare<Ended, [string]>(
      `SELECT id, finished_at FROM pipeline_runs
        WHERE id IN (SELECT value FROM json_each(?)) AND status <> 'running' ORDER BY id`,
    );
    this.#runs = ended.all(JSON.stringify(ids));
  }

  /** @param path of the database, for the files that dead runs left beside it */
  deleteRuns(path: string): Pruned {
    const pruned = this.#delete([
      "task_logs",
      "task_attempts",
      "task_runs",
      "pipeloom_reusable",
      "pipeloom_definitions",
      "pipeloom_durations",
      "pipeline_runs",
    ]);
    for (const id of pruned.runs) removeStaleLock(path, id);
    return pruned;
  }

  deleteLogs(): Pruned {
    return this.#delete(["task_logs"]);
  }

  #delete(tables: readonly Table[]): Pruned {
    const runs = new Set<RunId>();
    let [tasks, logs] = [0, 0];
    using isOver = this.#db.prepare<unknown, [RunId, string | null]>(
      "SELECT 1 FROM pipeline_runs WHERE id = ? AND status <> 'running' AND finished_at IS ?",
    );
    const statements = this.#prepare(tables);
    try {
      for (let next = 0; next < this.#runs.length && !this.#isLate();) {
        const slice = this.#transaction(() => this.#slice(statements, isOver, next));
        for (const id of slice.runs) runs.add(id);
        tasks += slice.deleted.task_runs;
        logs += slice.deleted.task_logs;
        next = slice.next;
      }
    } finally {
      for (const [, statement] of statements) statement.finalize();
    }
    return { runs, tasks, logs };
  }

  /** A transaction may be repeated, so nothing outside it is changed. */
  #slice(
    statements: Deletes,
    isOver: Statement<unknown, [RunId, string | null]>,
    first: number,
  ): Slice {
    const deleted = { ...noneDeleted };
    const slice: Slice = { deleted, runs: [], next: first };
    let left = sliceRows;
    for (const { id, finished_at } of this.#runs.slice(first)) {
      // Since it was chosen, the run may have been continued, and may have ended again.
      if (isOver.get(id, finished_at) !== null) {
        slice.runs.push(id);
        for (const [table, statement] of statements) {
          const { changes } = statement.run(id, left);
          deleted[table] += changes;
          left -= changes;
          if (left <= 0) return slice;
        }
      }
      slice.next++;
    }
    return slice;
  }

  #transaction<Result>(work: () => Result): Result {
    const run = this.#db.transaction(work);
    return this.#busyHandler.run(() => run.immediate());
  }

  /** Users may have dropped tables. */
  #prepare(tables: readonly Table[]): Deletes {
    using rows = this.#db.prepare<{ name: string }, []>(
      `SELECT t.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
        WHERE t.type = 'table' AND (c.name = 'run_id' OR t.name = 'pipeline_runs')`,
    );
    const existing = new Set(rows.all().map(({ name }) => name));
    return tables
      .filter((table) => existing.has(table))
      .map((table) => [table, this.#db.prepare(deletes[table])]);
  }
}

/** Bytes of the file that hold nothing. The next runs use them. */
export function freeBytes(db: Database): number {
  using pages = db.prepare<{ freelist_count: number }, []>("PRAGMA freelist_count");
  using size = db.prepare<{ page_size: number }, []>("PRAGMA page_size");
  return onlyRow(pages.get()).freelist_count * onlyRow(size.get()).page_size;
}

/** Rewrites the file without its free pages. Needs as much space again meanwhile, and no other connection that writes. */
export function vacuum(db: Database): void {
  db.run("VACUUM");
}
