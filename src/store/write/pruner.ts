// Deletes the rows of old runs from pipeloom's own tables, in short transactions: a live run and readers go on meanwhile.
// A prune that is killed has deleted some of the rows; the next one deletes the rest.

import type { Database, Statement } from "bun:sqlite";

import { systemClock } from "../../base/clock.ts";
import { JSON } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import { removeStaleLock } from "../lock.ts";
import { onlyRow } from "../only-row.ts";
import type { OwnTable } from "../own-tables.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { RowDelete } from "./row-delete.ts";

export type Pruned = {
  /** Without those that came back to life: their rows stay. */
  readonly runs: ReadonlySet<RunId>;
  readonly tasks: number;
  readonly logs: number;
};

/** Rows of one transaction: the next one of a live run waits for it. Small runs share one, a large run takes several. */
const sliceRows = 10_000;

/** Tables with rows of runs, and the column after `run_id` in the key or index of each: see `RowDelete`. */
const keys = {
  task_logs: "task_id",
  task_attempts: "task_id",
  task_runs: "id",
  pipeloom_reusable: "task_id",
  pipeloom_definitions: "name",
  pipeloom_durations: "task",
  pipeloom_machines: "id",
} as const satisfies Partial<Record<OwnTable, string>>;

const noneDeleted = {
  task_logs: 0,
  task_attempts: 0,
  task_runs: 0,
  pipeloom_reusable: 0,
  pipeloom_definitions: 0,
  pipeloom_durations: 0,
  pipeloom_machines: 0,
};

type Table = keyof typeof keys;
type Deletes = readonly (readonly [table: Table, rows: RowDelete])[];
type Ended = { readonly id: RunId; readonly finished_at: string | null };

type Work = {
  readonly statements: Deletes;
  readonly isOver: Statement<unknown, [RunId, string | null]>;
  /** All rows of the run are deleted. Until then it stays known. */
  readonly gone: (id: RunId) => void;
};

/** What a transaction has deleted. */
type Slice = { readonly deleted: Record<Table, number>; readonly runs: RunId[]; next: number };

export class Pruner {
  readonly #db: Database;
  readonly #busyHandler: Pick<BusyHandler, "run">;
  readonly #runs: readonly Ended[];
  readonly #isLate: (tookMs: number) => boolean;

  /**
   * @param ids runs that are over
   * @param isLate asked between transactions, with how long the last one took: true stops the prune
   */
  constructor(
    db: Database,
    ids: readonly RunId[],
    busyHandler: Pick<BusyHandler, "run">,
    isLate: (tookMs: number) => boolean = () => false,
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
    const pruned = this.#delete(Object.keys(keys) as Table[], true);
    for (const id of pruned.runs) removeStaleLock(path, id);
    return pruned;
  }

  deleteLogs(): Pruned {
    return this.#delete(["task_logs"], false);
  }

  #delete(tables: readonly Table[], withRuns: boolean): Pruned {
    const runs = new Set<RunId>();
    let [tasks, logs] = [0, 0];
    using isOver = this.#db.prepare<unknown, [RunId, string | null]>(
      "SELECT 1 FROM pipeline_runs WHERE id = ? AND status <> 'running' AND finished_at IS ?",
    );
    using runRow = this.#db.prepare<unknown, [RunId]>("DELETE FROM pipeline_runs WHERE id = ?");
    const statements = this.#prepare(tables);
    const gone = (id: RunId): void => void (withRuns && runRow.run(id));
    try {
      let tookMs = 0;
      for (let next = 0; next < this.#runs.length && !this.#isLate(tookMs);) {
        const began = systemClock.now();
        const slice = this.#transaction(() => this.#slice({ statements, isOver, gone }, next));
        tookMs = systemClock.now() - began;
        for (const id of slice.runs) runs.add(id);
        tasks += slice.deleted.task_runs;
        logs += slice.deleted.task_logs;
        next = slice.next;
      }
    } finally {
      for (const [, rows] of statements) rows.close();
    }
    return { runs, tasks, logs };
  }

  /** A transaction may be repeated, so nothing outside it is changed. */
  #slice({ statements, isOver, gone }: Work, first: number): Slice {
    const deleted = { ...noneDeleted };
    const slice: Slice = { deleted, runs: [], next: first };
    let left = sliceRows;
    for (const { id, finished_at } of this.#runs.slice(first)) {
      // Since it was chosen, the run may have been continued, and may have ended again.
      if (isOver.get(id, finished_at) !== null) {
        slice.runs.push(id);
        for (const [table, rows] of statements) {
          const changes = rows.run(id, left);
          deleted[table] += changes;
          left -= changes;
          if (left <= 0) return slice;
        }
        gone(id);
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
        WHERE t.type = 'table' AND c.name = 'run_id'`,
    );
    const existing = new Set(rows.all().map(({ name }) => name));
    return tables
      .filter((table) => existing.has(table))
      .map((table) => [table, new RowDelete(this.#db, table, keys[table])]);
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
