// A file's rows as objects, block by block, from any record on.

import { Blocks } from "./blocks.ts";
import type { Encoding } from "./encoding.ts";
import { type BadRecord, type Dialect, RecordReader, type RecordsInput } from "./records.ts";
import { type ColumnType, toNumber } from "./types.ts";

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

type CsvCell = string | number | bigint | null;
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
  const { offset, line, ...counts } = from ?? {
    offset: source.start,
    line: 1,
    rows: 0,
    badRows: 0,
  };
  let { rows, badRows } = counts;
  const maker = new RowMaker(source, line, from === null);
  using blocks = new Blocks(path, { encoding, newline: dialect.newline, offset });
  for (let block = blocks.next(); block !== null; block = blocks.next()) {
    const batch = maker.read(block);
    blocks.used(batch.end);
    rows += batch.rows.length;
    badRows += batch.bad.length;
    const position = { offset: blocks.offset, line: batch.line, rows, badRows };
    yield { rows: batch.rows, bad: batch.bad, position, size: blocks.size };
  }
}

type Made = Pick<CsvBatch, "rows" | "bad"> & {
  /** Bytes of the block that are used. */
  readonly end: number;
  /** The line behind them. */
  readonly line: number;
};

class RowMaker {
  readonly #reader: RecordReader;
  readonly #names: readonly string[];
  readonly #isNumber: readonly boolean[];
  readonly #key: readonly number[];
  readonly #emptyIsNull: boolean;
  #isHeader: boolean;

  constructor({ dialect, columns, key, emptyIsNull }: CsvSource, line: number, hasHeader: boolean) {
    this.#reader = new RecordReader(dialect, columns.length, line);
    this.#names = columns.map(({ name }) => name);
    this.#isNumber = columns.map(({ type }) => type !== "TEXT");
    this.#key = key.map((name) => this.#names.indexOf(name)).filter((index) => index >= 0);
    this.#emptyIsNull = emptyIsNull;
    this.#isHeader = hasHeader;
  }

  read(block: RecordsInput): Made {
    const reader = this.#reader;
    const rows: CsvRow[] = [];
    const bad: BadRecord[] = [];
    reader.open(block);
    while (reader.next()) {
      if (this.#isHeader && reader.why === null) {
        this.#isHeader = false;
        continue;
      }
      const why = reader.why ?? this.#emptyKey();
      if (why === null) rows.push(this.#make(block.bytes));
      else bad.push({ line: reader.line, why });
    }
    return { rows, bad, end: reader.end, line: reader.nextLine };
  }

  #emptyKey(): string | null {
    const { starts, ends } = this.#reader.fields;
    const key = this.#key;
    for (let i = 0; i < key.length; i++) {
      const index = key[i] as number;
      if (starts[index] === ends[index]) return `the key column ${this.#names[index]} is empty`;
    }
    return null;
  }

  #make(bytes: Buffer): CsvRow {
    const { starts, ends } = this.#reader.fields;
    const names = this.#names;
    const row: CsvRow = {};
    for (let i = 0; i < names.length; i++) {
      const cell =
        this.#isNumber[i] === true ? toNumber(bytes, starts[i] ?? 0, ends[i] ?? 0) : undefined;
      row[names[i] as string] = cell === undefined ? this.#text(i) : cell;
    }
    return row;
  }

  #text(index: number): string | null {
    const { starts, ends } = this.#reader.fields;
    return this.#emptyIsNull && starts[index] === ends[index] ? null : this.#reader.text(index);
  }
}
