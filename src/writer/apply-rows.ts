// Puts parsed `rows` records into the user's tables. The caller holds the transaction, and can undo the unit.

import type { Database, Statement } from "bun:sqlite";
import type { Cell, TaggedCell, TaskRecord } from "../protocol/messages.ts";
import { assertNever } from "../protocol/unreachable.ts";
import { explainPrepare, explainRow, keepsRowsOnFailure, type RowsShape } from "./rows-error.ts";
import { rowsSql } from "./upsert-sql.ts";

export type RowsRecord = Extract<TaskRecord, { type: "rows" }>;

type Bound = string | number | bigint | boolean | null | Uint8Array;
type RowsStatement = Statement<unknown, Bound[]>;

/**
 * Parameters of the widest statement: 16 to 100 rows of 6 columns per statement are 10–20 % faster than one by one;
 * above about 1,000 parameters the call itself gets slow.
 */
const maxParams = 400;
const maxRows = 64;
const mediumRows = 8;
/** Shapes (table, columns, conflict clause) whose statements stay prepared; the one not used for longest goes. */
const maxShapes = 64;

/** One statement per number of rows, prepared when first needed. */
type Shape = {
  readonly steps: readonly number[];
  readonly statements: Map<number, RowsStatement>;
};

export class RowsApplier {
  readonly #db: Database;
  readonly #shapes = new Map<string, Shape>();

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Runs one record's rows, in order.
   * @throws RowsError with SQLite's `code`: for a table, column or unique index that does not exist, saying what there
   *   is or what to create; for a row that was refused, with the row. The unit is then the caller's to undo;
   *   a constraint declared ON CONFLICT ROLLBACK has ended the whole transaction (`db.inTransaction` tells).
   */
  apply(record: RowsRecord): void {
    const rows: readonly (readonly Bound[])[] =
      record.tagged === undefined ? record.rows : untag(record.rows, record.tagged);
    const shape = this.#shape(record);
    let from = 0;
    for (const step of shape.steps) {
      if (rows.length - from < step) continue;
      const statement = this.#statement(record, shape, step);
      for (; rows.length - from >= step; from += step) {
        this.#run(record, shape, statement, rows, from, step);
      }
    }
  }

  /** Finalizes the statements; the connection cannot be closed before. */
  close(): void {
    for (const shape of this.#shapes.values()) finalize(shape);
    this.#shapes.clear();
  }

  #run(
    record: RowsShape,
    shape: Shape,
    statement: RowsStatement,
    rows: readonly (readonly Bound[])[],
    from: number,
    count: number,
  ): void {
    try {
      statement.run(...flat(rows, from, count));
    } catch (error) {
      if (count > 1) this.#findRow(record, shape, rows.slice(from, from + count));
      throw explainRow(record, count === 1 ? rows[from] : undefined, error);
    }
  }

  /** A statement of many rows does not say which was refused. It has changed nothing, so they go again, one by one. */
  #findRow(record: RowsShape, shape: Shape, rows: readonly (readonly Bound[])[]): void {
    if (!this.#db.inTransaction || keepsRowsOnFailure(this.#db, record.table)) return;
    const single = this.#statement(record, shape, 1);
    for (let i = 0; i < rows.length; i++) this.#run(record, shape, single, rows, i, 1);
  }

  #shape(record: RowsShape): Shape {
    const key = JSON.stringify([record.table, record.columns, record.onConflict]);
    const known = this.#shapes.get(key);
    if (known !== undefined) {
      if (this.#shapes.size > maxShapes / 2) {
        this.#shapes.delete(key);
        this.#shapes.set(key, known);
      }
      return known;
    }
    const shape: Shape = { steps: steps(record.columns.length), statements: new Map() };
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

  #statement(record: RowsShape, shape: Shape, rows: number): RowsStatement {
    const known = shape.statements.get(rows);
    if (known !== undefined) return known;
    const sql = rowsSql(record.table, record.columns, record.onConflict, rows);
    try {
      const statement = this.#db.prepare<unknown, Bound[]>(sql);
      shape.statements.set(rows, statement);
      return statement;
    } catch (error) {
      throw explainPrepare(this.#db, record, error);
    }
  }
}

function finalize(shape: Shape): void {
  for (const statement of shape.statements.values()) statement.finalize();
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

function flat(rows: readonly (readonly Bound[])[], from: number, count: number): Bound[] {
  const params: Bound[] = [];
  for (let i = from; i < from + count; i++) {
    const row = rows[i];
    if (row === undefined) break;
    for (let j = 0; j < row.length; j++) params.push(row[j] as Bound);
  }
  return params;
}

/** Puts what JSON could not hold back into its cells. */
function untag(
  rows: readonly (readonly Cell[])[],
  tagged: readonly TaggedCell[],
): readonly (readonly Bound[])[] {
  const decoded: Bound[][] = rows.map((row) => [...row]);
  for (const [row, column, kind] of tagged) {
    const cells = decoded[row];
    const text = cells?.[column];
    if (cells === undefined || typeof text !== "string") {
      throw new Error(`Internal error: no text at the tagged cell ${row}, ${column}`);
    }
    cells[column] = decode(text, kind);
  }
  return decoded;
}

function decode(text: string, kind: TaggedCell[2]): Bound {
  switch (kind) {
    case "bigint":
      return BigInt(text);
    case "blob":
      return Uint8Array.fromBase64(text);
    case "number":
      return Number(text);
    default:
      return assertNever(kind);
  }
}
