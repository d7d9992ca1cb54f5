// Deletes a run's rows of one of pipeloom's tables, at most so many at a time.

import type { Database, Statement } from "bun:sqlite";

import type { RunId } from "../../protocol/ids.ts";
import type { OwnTable } from "../own-tables.ts";

type Bound = string | number;

export class RowDelete {
  readonly #bound: Statement<{ bound: Bound }, [RunId, number]>;
  readonly #some: Statement<unknown, [RunId, Bound]>;
  readonly #all: Statement<unknown, [RunId]>;

  /** @param key the column after `run_id` in the table's key or index */
  constructor(db: Database, table: OwnTable, key: string) {
    const of = `FROM ${table} WHERE run_id = ?1`;
    this.#bound = db.prepare(`SELECT ${key} AS bound ${of} ORDER BY ${key} LIMIT 1 OFFSET ?2`);
    this.#some = db.prepare(`DELETE ${of} AND ${key} <= ?2`);
    this.#all = db.prepare(`DELETE ${of}`);
  }

  /**
   * The bound is read first. With a subquery, SQLite collects the keys and looks for each: that takes twice as long.
   * @param most rows; those of one key go together, so that there may be more
   * @returns how many
   */
  run(run: RunId, most: number): number {
    const bound = this.#bound.get(run, most - 1)?.bound;
    return (bound === undefined ? this.#all.run(run) : this.#some.run(run, bound)).changes;
  }

  close(): void {
    this.#bound.finalize();
    this.#some.finalize();
    this.#all.finalize();
  }
}
