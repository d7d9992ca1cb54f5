// Rows of one `ctx.upsert` or `ctx.insert` → the text of `rows` parts. This runs once per row and cell of all data, so it
// is written for speed: rows of one shape, which is nearly all, skip the union of keys, and nothing is made for a row.

import { JSON } from "../base/globals.ts";
import { foldCase } from "../base/fold-case.ts";
import { isPlainObject, memberPath } from "../base/json.ts";
import { RowBatchPacker, IllFormedTextError } from "../protocol/codec/row-batch-packer.ts";
import { CellError, described, encodeCell } from "./encode-cell.ts";
import type { RowsTarget } from "./rows-target.ts";

/** SQLite's own limit, unless it was compiled otherwise. */
const maxColumns = 2000;

type Row = Readonly<Record<string, unknown>>;

export class RowEncoder {
  readonly #target: RowsTarget;
  readonly #columns: string[] = [];
  readonly #restored = new Set<string>();
  /** Folded name → as given: to SQLite they are one column. */
  readonly #spellings = new Map<string, string>();
  readonly #cells = new RowBatchPacker();
  /** The keys of the last row. */
  #shape: readonly string[] = [];
  /** They are all the columns, in their order. */
  #isWhole = true;
  #rows = 0;
  #index = 0;

  constructor(target: RowsTarget) {
    this.#target = target;
  }

  /** Rows in the chunk that is being filled. */
  get rows(): number {
    return this.#rows;
  }
  /** About how long the chunk's text will be. */
  get chars(): number {
    return this.#cells.chars;
  }
  /** The union of the keys so far. */
  get columns(): readonly string[] {
    return this.#columns;
  }

  /** @throws TypeError naming row, column and type for what cannot be stored */
  add(row: unknown): void {
    if (typeof row !== "object" || row === null || Array.isArray(row) || !isPlainObject(row)) {
      throw new TypeError(
        `${this.#target.what}: rows[${this.#index}] is ${described(row)}; rows are plain objects (\`{ ...row }\` makes one)`,
      );
    }
    if (!hasKeys(row, this.#shape)) this.#adopt(Object.keys(row));
    this.#requireKey(row as Row);
    const cells = this.#cells;
    const columns = this.#columns;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as string;
      const value = this.#isWhole || Object.hasOwn(row, column) ? (row as Row)[column] : undefined;
      // What nearly all cells are; the rest, and all words about it, stay out of this loop.
      if (typeof value === "string") cells.text(value);
      else if (typeof value === "number" && !Number.isNaN(value)) cells.number(value);
      else this.#encode(value, column);
    }
    this.#rows++;
    this.#index++;
  }

  /**
   * The rows as text of a `rows` part; the next part begins, with the columns known so far.
   * @throws TypeError for text that SQLite would store as another
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
      `${this.#target.what}: ${path} is a string with half of a surrogate pair (was it cut in the middle of a character?), which SQLite would store as another; \`.toWellFormed()\` replaces such halves`,
    );
  }

  #encode(value: unknown, column: string): void {
    try {
      encodeCell(value, this.#cells);
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      const path = memberPath(`rows[${this.#index}]`, column);
      throw new TypeError(
        `${this.#target.what}: ${path}${error.at} is ${error.found}; ${error.hint}`,
        { cause: error },
      );
    }
  }

  /** Without its key a row would never meet its earlier self: each retry would add it again. */
  #requireKey(row: Row): void {
    const { key } = this.#target;
    for (let i = 0; i < key.length; i++) {
      const name = key[i] as string;
      if (row[name] !== undefined) continue;
      throw new TypeError(
        `${this.#target.what}: rows[${this.#index}] has no ${JSON.stringify(name)}, which is in the key`,
      );
    }
  }

  /** A row of another shape extends the columns by its keys. */
  #adopt(keys: readonly string[]): void {
    const before = this.#columns.length;
    for (const key of keys) if (!this.#restored.has(key)) this.#addColumn(key);
    if (this.#rows > 0) this.#cells.widen(before, this.#columns.length, this.#rows);
    this.#shape = keys;
    this.#isWhole = sameKeys(keys, this.#columns);
  }

  #addColumn(name: string): void {
    const at = `${this.#target.what}: rows[${this.#index}]`;
    if (name.includes("\0")) throw new TypeError(`${at} has a column with a NUL in its name`);
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
    this.#restored.add(name);
    this.#columns.push(name);
  }
}

/** `sameKeys(Object.keys(row), keys)`, without a list for each row. */
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
