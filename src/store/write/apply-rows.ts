// Writes row batches into the user's tables. The caller holds the transaction, and can undo the unit.

import type { Database } from "bun:sqlite";
import { JSON } from "../../base/globals.ts";
import type { Cell } from "../../protocol/codec/row-batch-format.ts";
import type { CellReader, RowBatch } from "../../protocol/codec/row-batch-reader.ts";
import { isOwnTable } from "../own-tables.ts";
import type { BusyHandler } from "../busy-handler.ts";
import {
  explainPrepare,
  explainRow,
  keepsRowsOnFailure,
  ownTableError,
  type RowsShape,
} from "./rows-error.ts";
import { isWaitable } from "../sqlite-error.ts";
import { rowsSql } from "./upsert-sql.ts";
import type { WrittenTables } from "./written-tables.ts";

/**
 * bun:sqlite's `run` also accepts one array of parameters, though its types do not say so. Spread parameters are copied
 * twice: 7.3 instead of 4.8 µs for 384 numbers.
 */
type RowsStatement = { run(cells: readonly Cell[]): unknown; finalize(): void };

/**
 * Parameters per statement. 16 to 100 rows of 6 columns per statement are 10–20 % faster than single rows. Above about
 * 1,000 parameters, the call itself gets slow.
 */
const maxParams = 400;
const maxRows = 64;
const mediumRows = 8;
/** LRU cache: statements of this many shapes (table, columns, conflict clause) stay prepared. */
const maxShapes = 64;

/** A statement for a fixed number of rows, and the array of its parameters, which is reused. */
type Prepared = { readonly statement: RowsStatement; readonly cells: Cell[] };

/** The statements of one shape, by number of rows; prepared on first use. */
type StatementSet = {
  readonly steps: readonly number[];
  readonly statements: Map<number, Prepared>;
};

export class RowsApplier {
  readonly #db: Database;
  readonly #hasOwnTables: boolean;
  readonly #busyHandler: BusyHandler;
  readonly #writes: WrittenTables | undefined;
  readonly #sets = new Map<string, StatementSet>();

  /**
   * @param hasOwnTables the file has pipeloom's own tables, which refuse rows of tasks
   * @param writes where somebody asks which tables units write
   */
  constructor(
    db: Database,
    hasOwnTables: boolean,
    busyHandler: BusyHandler,
    writes?: WrittenTables,
  ) {
    this.#writes = writes;
    this.#db = db;
    this.#hasOwnTables = hasOwnTables;
    this.#busyHandler = busyHandler;
  }

  /**
   * Applies one batch's rows, in order.
   * @throws RowsError with SQLite's `code`. For a missing table, column or unique index, it lists what exists or says what
   *   to create; for a refused row, it has the row. The caller then undoes the unit, unless a constraint with ON CONFLICT
   *   ROLLBACK has ended the whole transaction (see `db.inTransaction`).
   */
  apply({ table, onConflict, groups, cells }: RowBatch): void {
    // Rows with varying columns are many short groups of few shapes: make each shape's key once.
    const keys = new Map<readonly string[], string>();
    for (const { columns, rowCount } of groups) {
      let key = keys.get(columns);
      if (key === undefined) keys.set(columns, (key = shapeKey({ table, onConflict, columns })));
      this.#applyGroup({ table, onConflict, columns }, key, rowCount, cells);
    }
  }

  /** Applies rows that give the same columns. Their statement names only these columns. */
  #applyGroup(shape: RowsShape, key: string, rowCount: number, cells: CellReader): void {
    const set = this.#setOf(shape, key);
    if (this.#writes !== undefined) this.#noteWrites(this.#writes, shape, key);
    let left = rowCount;
    for (const step of set.steps) {
      if (left < step) continue;
      const prepared = this.#prepared(shape, set, step);
      try {
        for (; left >= step; left -= step) {
          cells.fill(prepared.cells);
          this.#run(shape, set, prepared);
        }
      } finally {
        // Otherwise large cells, or the text that they are cut from, would live as long as the statement.
        prepared.cells.fill(null);
      }
    }
  }

  #noteWrites(writes: WrittenTables, shape: RowsShape, key: string): void {
    try {
      writes.note(key, () => rowsSql(shape.table, shape.columns, shape.onConflict, 1));
    } catch (error) {
      throw explainPrepare(this.#db, shape, error);
    }
  }

  /** Finalizes the statements: before that, the connection cannot be closed. */
  close(): void {
    for (const set of this.#sets.values()) finalize(set);
    this.#sets.clear();
  }

  #run(shape: RowsShape, set: StatementSet, { statement, cells }: Prepared): void {
    try {
      statement.run(cells);
    } catch (thrown) {
      const error = isWaitable(thrown) ? this.#runAgain(statement, cells) : thrown;
      if (error === undefined) return;
      const isOne = cells.length <= shape.columns.length;
      if (!isOne) this.#findRow(shape, set, cells);
      throw explainRow(shape, isOne ? cells : undefined, error);
    }
  }

  /** Repeats a statement that another program's lock made fail. Returns its error, if it fails for another reason. */
  #runAgain(statement: RowsStatement, cells: readonly Cell[]): unknown {
    try {
      this.#busyHandler.again(() => statement.run(cells));
      return undefined;
    } catch (thrown) {
      return thrown;
    }
  }

  /**
   * Finds the refused row by applying the rows one by one, since a statement of many rows does not name it. The statement
   * has changed nothing.
   */
  #findRow(shape: RowsShape, set: StatementSet, cells: readonly Cell[]): void {
    if (!this.#db.inTransaction || keepsRowsOnFailure(this.#db, shape.table)) return;
    const { statement } = this.#prepared(shape, set, 1);
    const width = shape.columns.length;
    for (let at = 0; at < cells.length; at += width) {
      this.#run(shape, set, { statement, cells: cells.slice(at, at + width) });
    }
  }

  #setOf(shape: RowsShape, key: string): StatementSet {
    const known = this.#sets.get(key);
    if (known !== undefined) {
      if (this.#sets.size > maxShapes / 2) {
        this.#sets.delete(key);
        this.#sets.set(key, known);
      }
      return known;
    }
    if (this.#hasOwnTables && isOwnTable(shape.table)) throw ownTableError(shape);
    const set: StatementSet = { steps: steps(shape.columns.length), statements: new Map() };
    this.#sets.set(key, set);
    this.#forgetOldest();
    return set;
  }

  #forgetOldest(): void {
    if (this.#sets.size <= maxShapes) return;
    for (const [key, set] of this.#sets) {
      finalize(set);
      this.#sets.delete(key);
      return;
    }
  }

  #prepared(shape: RowsShape, set: StatementSet, rows: number): Prepared {
    const known = set.statements.get(rows);
    if (known !== undefined) return known;
    const sql = rowsSql(shape.table, shape.columns, shape.onConflict, rows);
    try {
      const prepared: Prepared = {
        statement: this.#db.prepare<unknown, never[]>(sql),
        cells: Array.from({ length: rows * shape.columns.length }, () => null),
      };
      set.statements.set(rows, prepared);
      return prepared;
    } catch (error) {
      throw explainPrepare(this.#db, shape, error);
    }
  }
}

const shapeKey = ({ table, columns, onConflict }: RowsShape): string =>
  JSON.stringify([table, columns, onConflict]);

function finalize(set: StatementSet): void {
  for (const { statement } of set.statements.values()) statement.finalize();
  set.statements.clear();
}

/** Rows per statement, in descending order; the last is 1. */
function steps(columns: number): readonly number[] {
  if (columns === 0) return [1];
  const most = Math.max(1, Math.min(maxRows, Math.floor(maxParams / columns)));
  return [...new Set([most, Math.min(most, mediumRows), 1])];
}
