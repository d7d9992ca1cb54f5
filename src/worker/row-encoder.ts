// Rows of one `ctx.upsert` or `ctx.insert` → the texts of row batches. This code runs once per row and cell of all data,
// so it is written for speed: no object is created per row, and rows with the keys of the previous row, which nearly all
// have, skip the union of keys.

import { JSON } from "../base/globals.ts";
import { foldCase } from "../base/fold-case.ts";
import { isPlainObject, memberPath } from "../base/json.ts";
import { flawOfName } from "../protocol/sql-name.ts";
import { RowBatchPacker, IllFormedTextError } from "../protocol/codec/row-batch-packer.ts";
import { describeValue } from "../base/describe-value.ts";
import { CellError, encodeCell } from "./encode-cell.ts";
import type { SeenValues } from "./seen-values.ts";
import type { TargetTable } from "./target-table.ts";

/** SQLite's default limit (SQLITE_MAX_COLUMN). */
const maxColumns = 2000;

type Row = Readonly<Record<string, unknown>>;

export class RowEncoder {
  readonly #target: TargetTable;
  readonly #columns: string[] = [];
  readonly #columnSet = new Set<string>();
  /** Folded name → name as given. SQLite ignores the case of column names. */
  readonly #spellings = new Map<string, string>();
  readonly #cells = new RowBatchPacker();
  /** The keys of the last row. */
  #shape: readonly string[] = [];
  /** The keys of the last row are all columns, in the order of the columns. */
  #hasAllColumns = true;
  #rows = 0;
  #index = 0;

  constructor(target: TargetTable) {
    this.#target = target;
  }

  /** Rows in the current batch. */
  get rows(): number {
    return this.#rows;
  }
  /** Estimated length of the current batch's text. */
  get chars(): number {
    return this.#cells.chars;
  }
  /** The union of the keys so far. */
  get columns(): readonly string[] {
    return this.#columns;
  }

  /** Adds the values of the current batch. To be called before `take`. */
  see(values: SeenValues): void {
    values.addBatch(this.#cells, this.#columns, this.#index - this.#rows);
  }

  /** @throws TypeError naming row, column and type for a value that cannot be stored */
  add(row: unknown): void {
    if (typeof row !== "object" || row === null || Array.isArray(row) || !isPlainObject(row)) {
      throw new TypeError(
        `${this.#target.label}: rows[${this.#index}] is ${describeValue(row)}; rows are plain objects (\`{ ...row }\` makes one)`,
      );
    }
    if (!hasKeys(row, this.#shape)) this.#adopt(Object.keys(row));
    this.#requireKey(row as Row);
    const cells = this.#cells;
    const columns = this.#columns;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as string;
      const value =
        this.#hasAllColumns || Object.hasOwn(row, column) ? (row as Row)[column] : undefined;
      // Nearly all cells are strings or numbers. Everything else, error texts included, stays out of this loop.
      if (typeof value === "string") cells.text(value);
      else if (typeof value === "number" && !Number.isNaN(value)) cells.number(value);
      else this.#encode(value, column);
    }
    this.#rows++;
    this.#index++;
  }

  /**
   * The text of the current batch. The next batch begins with the columns so far.
   * @throws TypeError for an ill-formed string, which SQLite would store as another one
   */
  take(): string {
    try {
      const text = this.#cells.take(this.#target.head, this.#columns, this.#rows);
      this.#rows = 0;
      return text;
    } catch (error) {
      throw error instanceof IllFormedTextError ? this.#illFormed(error) : error;
    }
  }

  #illFormed({ row, column }: IllFormedTextError): TypeError {
    const index = this.#index - this.#rows + row;
    const path = memberPath(`rows[${index}]`, this.#columns[column] ?? "");
    return new TypeError(
      `${this.#target.label}: ${path} is a string with half of a surrogate pair (was it cut in the middle of a character?), which SQLite would store as another; \`.toWellFormed()\` replaces such halves`,
    );
  }

  #encode(value: unknown, column: string): void {
    try {
      encodeCell(value, this.#cells);
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      const path = memberPath(`rows[${this.#index}]`, column);
      throw new TypeError(
        `${this.#target.label}: ${path}${error.at} is ${error.found}; ${error.hint}`,
        { cause: error },
      );
    }
  }

  /** A row without its key would never conflict with its earlier version: each retry would add it again. */
  #requireKey(row: Row): void {
    const { key } = this.#target;
    for (let i = 0; i < key.length; i++) {
      const name = key[i] as string;
      if (row[name] !== undefined) continue;
      throw new TypeError(
        `${this.#target.label}: rows[${this.#index}] has no ${JSON.stringify(name)}, which is in the key`,
      );
    }
  }

  /** Adds the keys of a row that differ from the previous row's to the columns. */
  #adopt(keys: readonly string[]): void {
    const before = this.#columns.length;
    for (const key of keys) if (!this.#columnSet.has(key)) this.#addColumn(key);
    if (this.#rows > 0) this.#cells.widen(before, this.#columns.length, this.#rows);
    this.#shape = keys;
    this.#hasAllColumns = sameKeys(keys, this.#columns);
  }

  #addColumn(name: string): void {
    const at = `${this.#target.label}: rows[${this.#index}]`;
    const flaw = flawOfName(name);
    if (flaw !== undefined) throw new TypeError(`${at} has a column whose name holds ${flaw}`);
    const folded = foldCase(name);
    const spelled = this.#spellings.get(folded);
    if (spelled !== undefined) {
      throw new TypeError(
        `${at} has ${JSON.stringify(name)} and there is ${JSON.stringify(spelled)} already; to SQLite they are one column`,
      );
    }
    if (this.#columns.length >= maxColumns) {
      throw new TypeError(
        `${at} brings the columns to more than ${maxColumns}; are the keys data? (column ${JSON.stringify(name)})`,
      );
    }
    this.#spellings.set(folded, name);
    this.#columnSet.add(name);
    this.#columns.push(name);
  }
}

/** Same as `sameKeys(Object.keys(row), keys)`, without creating a list per row. */
function hasKeys(row: object, keys: readonly string[]): boolean {
  let i = 0;
  for (const key in row) if (key !== keys[i++]) return false;
  return i === keys.length;
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
