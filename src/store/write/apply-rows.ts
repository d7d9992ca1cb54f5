// Puts the rows of batches into the user's tables. The caller holds the transaction, and can undo the unit.

import type { Database } from "bun:sqlite";
import { JSON } from "../../base/globals.ts";
import type { Cell } from "../../protocol/codec/row-batch-format.ts";
import type { CellReader, RowBatch } from "../../protocol/codec/row-batch-reader.ts";
import { isOwnTable } from "../own-tables.ts";
import type { Patience } from "../patience.ts";
import {
  explainPrepare,
  explainRow,
  keepsRowsOnFailure,
  ownTableError,
  type RowsShape,
} from "./rows-error.ts";
import { isWaitable } from "../sqlite-error.ts";
import { rowsSql } from "./upsert-sql.ts";

/**
 * Takes its parameters as one array, which bun:sqlite does and its types do not say: spread, they are copied twice on
 * their way (7.3 against 4.8 µs for 384 numbers).
 */
type RowsStatement = { run(cells: readonly Cell[]): unknown; finalize(): void };

/**
 * Parameters of the widest statement: 16 to 100 rows of 6 columns per statement are 10–20 % faster than one by one;
 * above about 1,000 parameters the call itself gets slow.
 */
const maxParams = 400;
const maxRows = 64;
const mediumRows = 8;
/** Shapes (table, columns, conflict clause) whose statements stay prepared; the one not used for longest goes. */
const maxShapes = 64;

/** A statement for so many rows, and their cells, which are filled anew each time. */
type Prepared = { readonly statement: RowsStatement; readonly cells: Cell[] };

/** One statement per number of rows, prepared when first needed. */
type Shape = { readonly steps: readonly number[]; readonly statements: Map<number, Prepared> };

export class RowsApplier {
  readonly #db: Database;
  readonly #hasOwnTables: boolean;
  readonly #patience: Patience;
  readonly #shapes = new Map<string, Shape>();

  /** @param hasOwnTables the file holds pipeloom's tables too, which take no rows of a task */
  constructor(db: Database, hasOwnTables: boolean, patience: Patience) {
    this.#db = db;
    this.#hasOwnTables = hasOwnTables;
    this.#patience = patience;
  }

  /**
   * Applies one batch's rows, in order.
   * @throws RowsError with SQLite's `code`: for a table, column or unique index that does not exist, saying what there
   *   is or what to create; for a row that was refused, with the row. The unit is then the caller's to undo;
   *   a constraint declared ON CONFLICT ROLLBACK has ended the whole transaction (`db.inTransaction` tells).
   */
  apply({ table, onConflict, groups, cells }: RowBatch): void {
    // Rows of mixed shapes are many short groups of few shapes.
    const keys = new Map<readonly string[], string>();
    for (const { columns, rowCount } of groups) {
      let key = keys.get(columns);
      if (key === undefined) keys.set(columns, (key = shapeKey({ table, onConflict, columns })));
      this.#applyGroup({ table, onConflict, columns }, key, rowCount, cells);
    }
  }

  /** Rows that give the same columns: what a row does not give its statement does not name. */
  #applyGroup(rows: RowsShape, key: string, rowCount: number, cells: CellReader): void {
    const shape = this.#shape(rows, key);
    let left = rowCount;
    for (const step of shape.steps) {
      if (left < step) continue;
      const prepared = this.#prepared(rows, shape, step);
      try {
        for (; left >= step; left -= step) {
          cells.fill(prepared.cells);
          this.#run(rows, shape, prepared);
        }
      } finally {
        // Large cells, or the text that they are cut from, would stay as long as the statement.
        prepared.cells.fill(null);
      }
    }
  }

  /** Finalizes the statements; the connection cannot be closed before. */
  close(): void {
    for (const shape of this.#shapes.values()) finalize(shape);
    this.#shapes.clear();
  }

  #run(part: RowsShape, shape: Shape, { statement, cells }: Prepared): void {
    try {
      statement.run(cells);
    } catch (thrown) {
      const error = isWaitable(thrown) ? this.#runAgain(statement, cells) : thrown;
      if (error === undefined) return;
      const isOne = cells.length <= part.columns.length;
      if (!isOne) this.#findRow(part, shape, cells);
      throw explainRow(part, isOne ? cells : undefined, error);
    }
  }

  /** A lock was in the way: what the statement has come to once it was not. */
  #runAgain(statement: RowsStatement, cells: readonly Cell[]): unknown {
    try {
      this.#patience.again(() => statement.run(cells));
      return undefined;
    } catch (thrown) {
      return thrown;
    }
  }

  /** A statement of many rows does not say which was refused. It has changed nothing, so they go again, one by one. */
  #findRow(part: RowsShape, shape: Shape, cells: readonly Cell[]): void {
    if (!this.#db.inTransaction || keepsRowsOnFailure(this.#db, part.table)) return;
    const { statement } = this.#prepared(part, shape, 1);
    const width = part.columns.length;
    for (let at = 0; at < cells.length; at += width) {
      this.#run(part, shape, { statement, cells: cells.slice(at, at + width) });
    }
  }

  #shape(part: RowsShape, key: string): Shape {
    const known = this.#shapes.get(key);
    if (known !== undefined) {
      if (this.#shapes.size > maxShapes / 2) {
        this.#shapes.delete(key);
        this.#shapes.set(key, known);
      }
      return known;
    }
    if (this.#hasOwnTables && isOwnTable(part.table)) throw ownTableError(part);
    const shape: Shape = { steps: steps(part.columns.length), statements: new Map() };
    this.#shapes.set(key, shape);
    this.#forgetOldest();
    return shape;
  }

  #forgetOldest(): void {
    if (this.#shapes.size <= maxShapes) return;
    for (const [key, shape] of this.#shapes) {
      finalize(shape);
      this.#shapes.delete(key);
      return;
    }
  }

  #prepared(part: RowsShape, shape: Shape, rows: number): Prepared {
    const known = shape.statements.get(rows);
    if (known !== undefined) return known;
    const sql = rowsSql(part.table, part.columns, part.onConflict, rows);
    try {
      const prepared: Prepared = {
        statement: this.#db.prepare<unknown, never[]>(sql),
        cells: Array.from({ length: rows * part.columns.length }, () => null),
      };
      shape.statements.set(rows, prepared);
      return prepared;
    } catch (error) {
      throw explainPrepare(this.#db, part, error);
    }
  }
}

const shapeKey = ({ table, columns, onConflict }: RowsShape): string =>
  JSON.stringify([table, columns, onConflict]);

function finalize(shape: Shape): void {
  for (const { statement } of shape.statements.values()) statement.finalize();
  shape.statements.clear();
}

/** How many rows the statements take, most first; always down to one. */
function steps(columns: number): readonly number[] {
  if (columns === 0) return [1];
  const most = Math.min(maxRows, Math.floor(maxParams / columns));
  return [most, mediumRows, 1].filter(
    (rows, i, all) => rows >= 1 && (i === 0 || rows < (all[i - 1] ?? 0)),
  );
}
