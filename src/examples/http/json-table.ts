// JSON objects → rows of one table. Collects the columns of the objects, and refuses values that the table would
// change.

import { type Affinity, affinityOf, isNumericText } from "../../base/affinity.ts";
import { checkTable, type Existing, type TableShape } from "../example-table.ts";
import { foldCase } from "../../base/fold-case.ts";
import { cellOf, type JsonCell, toInt64 } from "../../formats/json/json-values.ts";
import type { JsonRow } from "../../formats/json/json-rows.ts";

type Column = {
  readonly name: string;
  readonly affinity: Affinity;
  readonly declared: string;
  readonly isStrict: boolean;
};
type Cells = Record<string, JsonCell>;

export class JsonTable {
  readonly #table: string;
  readonly #key: readonly string[];
  /** By folded name. */
  readonly #columns = new Map<string, Column>();
  /** Property name as written in a row → the column; saves folding the name. */
  readonly #named = new Map<string, Column>();
  #hasGrown: boolean;

  /**
   * @param columns columns to create even if no row has them
   * @param existing columns of the existing table
   * @throws Error for a reserved table
   */
  constructor(
    table: string,
    key: readonly string[],
    columns: Iterable<string>,
    existing: readonly Existing[],
  ) {
    checkTable(table);
    this.#table = table;
    this.#key = key;
    for (const { name, type, isStrict } of existing) this.#add(name, type, isStrict === 1);
    const before = this.#columns.size;
    for (const name of columns) this.#column(name);
    this.#hasGrown = this.#columns.size > before;
  }

  /** The key columns, by their names in the table. */
  get keyColumns(): readonly string[] {
    return this.#key.map((name) => this.#column(name).name);
  }

  /** Number of columns. Each column adds to the size of every row. */
  get width(): number {
    return this.#columns.size;
  }

  /**
   * @param where place of the row, for messages
   * @throws Error for a missing key value, and for a value that the table would change
   */
  row(source: JsonRow, where: string): Cells {
    // No prototype, so that `__proto__` is an ordinary property.
    const cells: Cells = Object.create(null) as Cells;
    for (const name of Object.keys(source)) {
      const column = this.#named.get(name) ?? this.#column(name);
      if (column.name in cells) throw new Error(this.#twice(where, name, column.name));
      cells[column.name] = this.#fitted(source[name], column, where);
    }
    for (const name of this.#key) this.#requireKey(cells, name, where);
    return cells;
  }

  /** The existing table lacks the unique index of the key, so the next `grown` has a shape. */
  needKey(): void {
    this.#hasGrown = true;
  }

  /** The shape that the table needs for the rows so far; null if unchanged since the last call. */
  grown(): TableShape | null {
    if (!this.#hasGrown) return null;
    this.#hasGrown = false;
    const key = this.keyColumns;
    // No declared types: each value keeps its own type, `2` an integer and `"2"` text.
    const columns = Array.from(this.#columns.values(), ({ name }) => ({ name, type: "" }) as const);
    return { table: this.#table, key, columns };
  }

  #add(name: string, declared: string, isStrict: boolean): Column {
    const column = { name, declared, affinity: affinityOf(declared), isStrict };
    this.#columns.set(foldCase(name), column);
    this.#named.set(name, column);
    return column;
  }

  #column(name: string): Column {
    const known = this.#columns.get(foldCase(name));
    if (known !== undefined) {
      this.#named.set(name, known);
      return known;
    }
    this.#hasGrown = true;
    return this.#add(name, "", false);
  }

  #fitted(value: unknown, column: Column, where: string): JsonCell {
    let cell: JsonCell;
    try {
      cell = cellOf(value);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${where}: ${column.name} is ${why}`, { cause });
    }
    // Convert here: SQLite would print the number with other digits than JSON does.
    if (column.affinity === "TEXT" && typeof cell === "number") return String(cell);
    const isKeptThere = isKept(cell, column.affinity);
    if (isKeptThere && (!column.isStrict || isOfType(cell, column.affinity))) return cell;
    const why = isKeptThere ? "which cannot hold it" : "which would change it";
    throw new Error(
      `${where}: ${column.name} is ${shown(cell)}, and the column is ${column.declared} in the table ${this.#table}, ${why}; load into another table (--table), or change the column's type to TEXT`,
    );
  }

  #requireKey(cells: Cells, name: string, where: string): void {
    const column = this.#column(name).name;
    if (cells[column] !== undefined && cells[column] !== null) return;
    const what = column in cells ? "is null" : "is missing";
    throw new Error(
      `${where}: ${name} ${what}, but it is a key column: every run would insert such a row again; choose other columns with --key, or insert rows without a key with --key none`,
    );
  }

  #twice(where: string, name: string, column: string): string {
    return `${where}: two names differ only in case, and SQLite treats them as one column (${JSON.stringify(name)}, ${JSON.stringify(column)}); select one with --select`;
  }
}

const shown = (cell: JsonCell): string =>
  typeof cell === "string" ? JSON.stringify(cell.slice(0, 60)) : String(cell);

/** Whether a column of this affinity stores the cell unchanged. */
function isKept(cell: JsonCell, affinity: Affinity): boolean {
  if (affinity === "BLOB" || affinity === "TEXT") return true;
  if (typeof cell === "bigint") return affinity !== "REAL" || BigInt(Number(cell)) === cell;
  if (typeof cell !== "string" || !isNumericText(cell)) return true;
  const integer = toInt64(cell);
  if (integer !== null && affinity !== "REAL") return String(integer) === cell;
  const number = Number(cell);
  return String(number) === cell && (!Number.isInteger(number) || Number.isSafeInteger(number));
}

/** Whether a strict column, which keeps the cell, has a type for it. */
function isOfType(cell: JsonCell, affinity: Affinity): boolean {
  if (affinity !== "INTEGER" && affinity !== "REAL") return true;
  if (typeof cell === "string")
    return affinity === "REAL" ? isNumericText(cell) : toInt64(cell) !== null;
  return affinity === "REAL" || typeof cell !== "number" || Number.isInteger(cell);
}
