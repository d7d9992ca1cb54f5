// JSON objects → rows of one table: the columns they bring, and values that arrive as they are written or are refused.

import { type Affinity, affinityOf, checkTable, type TableShape } from "../target-table.ts";
import { foldCase } from "../../base/fold-case.ts";
import { cellOf, type JsonCell, toInt64 } from "./json-values.ts";
import type { JsonRow } from "./json-rows.ts";

type Existing = { readonly name: string; readonly type: string };
type Column = { readonly name: string; readonly affinity: Affinity; readonly declared: string };
type Cells = Record<string, JsonCell>;

export class JsonTable {
  readonly #table: string;
  readonly #key: readonly string[];
  /** By folded name. */
  readonly #columns = new Map<string, Column>();
  /** A row's name of a column → the column. */
  readonly #named = new Map<string, Column>();
  #hasGrown: boolean;

  /**
   * @param columns that are wanted whatever the rows have
   * @param existing columns of the table as it is
   * @throws Error for a table that is not the user's
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
    for (const { name, type } of existing) this.#add(name, type);
    const before = this.#columns.size;
    for (const name of columns) this.#column(name);
    this.#hasGrown = this.#columns.size > before;
  }

  /** The key, as the columns are called in the table. */
  get keyColumns(): readonly string[] {
    return this.#key.map((name) => this.#column(name).name);
  }

  /** How many columns a row may have; each costs a little in every row. */
  get width(): number {
    return this.#columns.size;
  }

  /**
   * @param where the row stands, for messages
   * @throws Error for a key without a value, and for a value that the table would change
   */
  row(source: JsonRow, where: string): Cells {
    // Without a prototype: `__proto__` is a name as any other.
    const cells: Cells = Object.create(null) as Cells;
    for (const name of Object.keys(source)) {
      const column = this.#named.get(name) ?? this.#column(name);
      if (column.name in cells) throw new Error(this.#twice(where, name, column.name));
      cells[column.name] = this.#fitted(source[name], column, where);
    }
    for (const name of this.#key) this.#requireKey(cells, name, where);
    return cells;
  }

  /** What the table must have before the rows so far; null: nothing new. */
  grown(): TableShape | null {
    if (!this.#hasGrown) return null;
    this.#hasGrown = false;
    const key = this.keyColumns;
    // Types are left to the values: `2` is stored as an integer, `"2"` as text.
    const columns = Array.from(this.#columns.values(), ({ name }) => ({ name, type: "" }) as const);
    return { table: this.#table, key, columns };
  }

  #add(name: string, declared: string): Column {
    const column = { name, declared, affinity: affinityOf(declared) };
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
    return this.#add(name, "");
  }

  #fitted(value: unknown, column: Column, where: string): JsonCell {
    let cell: JsonCell;
    try {
      cell = cellOf(value);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${where}: ${column.name} is ${why}`, { cause });
    }
    // SQLite prints a number with other digits than JSON does.
    if (column.affinity === "TEXT" && typeof cell === "number") return String(cell);
    if (isKept(cell, column.affinity)) return cell;
    throw new Error(
      `${where}: ${column.name} is ${shown(cell)}, and the column is ${column.declared} in the table ${this.#table}, which would change it; load into another table (--table), or make the column TEXT`,
    );
  }

  #requireKey(cells: Cells, name: string, where: string): void {
    const column = this.#column(name).name;
    if (cells[column] !== undefined && cells[column] !== null) return;
    const what = column in cells ? "is null" : "is not there";
    throw new Error(
      `${where}: ${name} ${what}, and it is in the key: such a row would be added again by each run; name other columns with --key, or --key none to add rows without one`,
    );
  }

  #twice(where: string, name: string, column: string): string {
    return `${where}: it has two columns ${JSON.stringify(name)} that differ in case only, which are one to SQLite (${JSON.stringify(column)}); choose with --select`;
  }
}

const shown = (cell: JsonCell): string =>
  typeof cell === "string" ? JSON.stringify(cell.slice(0, 60)) : String(cell);

/** Text that SQLite reads as a number where a column wants numbers. */
const numberText = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

/** Whether a column of this affinity gives the cell back as it is. */
function isKept(cell: JsonCell, affinity: Affinity): boolean {
  if (affinity === "BLOB" || affinity === "TEXT") return true;
  if (typeof cell === "bigint") return affinity !== "REAL" || BigInt(Number(cell)) === cell;
  if (typeof cell !== "string" || !numberText.test(cell)) return true;
  const integer = toInt64(cell);
  if (integer !== null && affinity !== "REAL") return String(integer) === cell;
  const number = Number(cell);
  return String(number) === cell && (!Number.isInteger(number) || Number.isSafeInteger(number));
}
