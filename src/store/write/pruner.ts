// Deletes the rows of old runs from pipeloom's own tables, in short transactions: a live run and readers go on meanwhile.
// A prune that is killed has deleted some of the rows; the next one deletes the rest.

import type { Database } from "bun:sqlite";

import type { RunId } from "../../protocol/ids.ts";
import { removeStaleLock } from "../lock.ts";
import { onlyRow } from "../only-row.ts";
import { ownTables } from "../own-tables.ts";
import type { Patience } from "../patience.ts";

export type Pruned = { readonly tasks: number; readonly logs: number };

/** Rows of one transaction: the next one of a live run waits for it. */
const sliceRows = 10_000;

export class Pruner {
  readonly #db: Database;
  readonly #patience: Patience;
  readonly #ids: readonly RunId[];
  readonly #isLate: () => boolean;

  /**
   * @param ids runs that are over
   * @param isLate asked between transactions: true stops the prune
   */
  constructor(
    db: Database,
    ids: readonly RunId[],
    patience: Patience,
    isLate: () => boolean = () => false,
  ) {
    this.#isLate = isLate;
    this.#db = db;
    this.#patience = patience;
    this.#ids = ids;
    db.run("CREATE TEMP TABLE IF NOT EXISTS pruned (id INTEGER PRIMARY KEY)");
    db.run("DELETE FROM temp.pruned");
    using add = db.prepare<unknown, [number]>("INSERT INTO temp.pruned VALUES (?)");
    for (const id of ids) add.run(id);
  }

  /** @param path of the database, for the files that dead runs left beside it */
  deleteRuns(path: string): Pruned {
    const logs = this.deleteLogs();
    const tasks = this.#deleteTasks();
    // The runs stay known until all their rows are gone.
    if (this.#isLate()) return { tasks, logs };
    this.#transaction(() => {
      for (const table of this.#otherTables()) {
        this.#db.run(`DELETE FROM "${table}" WHERE run_id IN (SELECT id FROM temp.pruned)`);
      }
      this.#db.run("DELETE FROM pipeline_runs WHERE id IN (SELECT id FROM temp.pruned)");
    });
    for (const id of this.#ids) removeStaleLock(path, id);
    return { tasks, logs };
  }

  /** One pass over the table in windows of row ids: it has no index by run. */
  deleteLogs(): number {
    if (!this.#tables().includes("task_logs")) return 0;
    using bounds = this.#db.prepare<{ first: number | null; last: number | null }, []>(
      "SELECT MIN(rowid) AS first, MAX(rowid) AS last FROM task_logs",
    );
    const { first, last } = onlyRow(bounds.get());
    if (first === null || last === null) return 0;
    using some = this.#db.prepare<unknown, [number, number]>(
      "DELETE FROM task_logs WHERE rowid BETWEEN ? AND ? AND run_id IN (SELECT id FROM temp.pruned)",
    );
    let deleted = 0;
    for (let from = first; from <= last && !this.#isLate(); from += sliceRows) {
      deleted += this.#transaction(() => some.run(from, from + sliceRows - 1).changes);
    }
    return deleted;
  }

  /** Many small runs share a transaction, and a large one takes several. */
  #deleteTasks(): number {
    using some = this.#db.prepare<unknown, [number, number, number]>(
      `DELETE FROM task_runs WHERE run_id = ? AND id <= coalesce(
        (SELECT id FROM task_runs WHERE run_id = ? ORDER BY id LIMIT 1 OFFSET ?), 9e18)`,
    );
    let deleted = 0;
    for (let next = 0; next < this.#ids.length && !this.#isLate();) {
      deleted += this.#transaction(() => {
        let rows = 0;
        for (; next < this.#ids.length && rows < sliceRows;) {
          const id = this.#ids[next] ?? 0;
          const { changes } = some.run(id, id, sliceRows - 1);
          rows += changes;
          if (changes < sliceRows) next++;
        }
        return rows;
      });
    }
    return deleted;
  }

  #transaction<Result>(work: () => Result): Result {
    const run = this.#db.transaction(work);
    return this.#patience.run(() => run.immediate());
  }

  #otherTables(): string[] {
    return this.#tables().filter((name) => name !== "task_runs" && name !== "task_logs");
  }

  /** Pipeloom's own tables that have rows of runs. */
  #tables(): string[] {
    using rows = this.#db.prepare<{ name: string }, []>(
      `SELECT t.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
        WHERE t.type = 'table' AND c.name = 'run_id'`,
    );
    const own: readonly string[] = ownTables;
    return rows.all().flatMap(({ name }) => (own.includes(name) ? [name] : []));
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
