// Whether rows that a task stores would be there twice, or do something twice, if the task ran again.
//
// An upsert updates the rows of its first time. Two kinds of upsert do not: a key with a NULL conflicts with no row, so the
// row is inserted again; and a trigger of the table fires again, which may count or write a log.

import type { Database } from "bun:sqlite";

import type { RowBatch } from "../../protocol/codec/row-batch-reader.ts";

export class RepeatRule {
  readonly #db: Database;
  readonly #hasTriggers = new Map<string, boolean>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** To be called before the cells of the batch are read. */
  repeats({ table, onConflict, columns, cells }: RowBatch): boolean {
    if (onConflict.action === "fail") return true;
    const key = onConflict.key.map((name) => columns.indexOf(name));
    return cells.hasNullAt(key, columns.length) || this.#firesTriggers(table);
  }

  #firesTriggers(table: string): boolean {
    let has = this.#hasTriggers.get(table);
    if (has === undefined) {
      has = hasTriggers(this.#db, table);
      this.#hasTriggers.set(table, has);
    }
    return has;
  }
}

const triggersSql = ["sqlite_schema", "sqlite_temp_schema"]
  .map(
    (schema) => `SELECT 1 FROM ${schema} WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE`,
  )
  .join(" UNION ALL ");

function hasTriggers(db: Database, table: string): boolean {
  using rows = db.prepare<unknown, [string]>(triggersSql);
  return rows.get(table) !== null;
}
