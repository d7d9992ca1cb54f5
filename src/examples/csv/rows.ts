// A file's rows as objects, block by block, from any record on.

import { Blocks } from "./blocks.ts";
import type { Encoding } from "./encoding.ts";
import { type BadRecord, type Dialect, type Fields, fieldOf, readRecords } from "./records.ts";
import { type ColumnType, type CsvCell, numberBetween, toCell } from "./types.ts";

/** How a file is read; JSON. */
export type CsvSource = {
  readonly path: string;
  readonly encoding: Encoding;
  readonly dialect: Dialect;
  /** Bytes before the header. */
  readonly start: number;
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /** Columns that must not be empty. */
  readonly key: readonly string[];
  readonly emptyIsNull: boolean;
};

/** Where a record begins. `rows` and `badRows` count what is before it. */
export type Position = {
  readonly offset: number;
  readonly line: number;
  readonly rows: number;
  readonly badRows: number;
};

export type CsvRow = { [column: string]: CsvCell };

export type CsvBatch = {
  readonly rows: readonly CsvRow[];
  readonly bad: readonly BadRecord[];
  /** Behind the batch. */
  readonly position: Position;
  /** Of the file, in bytes. */
  readonly size: number;
};

/** @param from null for the beginning, header included */
export function* csvRows(source: CsvSource, from: Position | null): Generator<CsvBatch> {
  const { path, encoding, dialect } = source;
  const {
    offset,
    line: firstLine,
    ...counts
  } = from ?? { offset: source.start, line: 1, rows: 0, badRows: 0 };
  let [line, { rows, badRows }] = [firstLine, counts];
  const maker = new RowMaker(source, from === null);
  using blocks = new Blocks(path, { encoding, newline: dialect.newline, offset });
  for (let block = blocks.next(); block !== null; block = blocks.next()) {
    const read = readRecords({ ...block, line, width: source.columns.length }, dialect, maker);
    line = read.line;
    blocks.used(block, read.end);
    const batch = maker.take();
    rows += batch.rows.length;
    badRows += batch.bad.length;
    yield { ...batch, position: { offset: blocks.offset, line, rows, badRows }, size: blocks.size };
  }
}

class RowMaker {
  readonly #source: CsvSource;
  readonly #names: readonly string[];
  readonly #types: readonly ColumnType[];
  readonly #key: readonly number[];
  #isHeader: boolean;
  #rows: CsvRow[] = [];
  #bad: BadRecord[] = [];

  constructor(source: CsvSource, hasHeader: boolean) {
    this.#source = source;
    this.#names = source.columns.map(({ name }) => name);
    this.#types = source.columns.map(({ type }) => type);
    this.#key = source.key.map((name) => this.#names.indexOf(name)).filter((index) => index >= 0);
    this.#isHeader = hasHeader;
  }

  row(text: string, fields: Fields, line: number): void {
    if (this.#isHeader) {
      this.#isHeader = false;
      return;
    }
    for (const index of this.#key) {
      if (fields.starts[index] !== fields.ends[index]) continue;
      this.#bad.push({ line, why: `the key column ${this.#names[index]} is empty` });
      return;
    }
    this.#rows.push(this.#make(text, fields));
  }

  bad(record: BadRecord): void {
    this.#bad.push(record);
  }

  take(): { rows: readonly CsvRow[]; bad: readonly BadRecord[] } {
    const taken = { rows: this.#rows, bad: this.#bad };
    this.#rows = [];
    this.#bad = [];
    return taken;
  }

  #make(text: string, fields: Fields): CsvRow {
    const { emptyIsNull } = this.#source;
    const row: CsvRow = {};
    for (let i = 0; i < this.#names.length; i++) {
      const type = this.#types[i] ?? "TEXT";
      const number =
        type === "TEXT"
          ? undefined
          : numberBetween(text, fields.starts[i] ?? 0, fields.ends[i] ?? 0);
      row[this.#names[i] ?? ""] = number ?? toCell(fieldOf(text, fields, i), type, emptyIsNull);
    }
    return row;
  }
}
