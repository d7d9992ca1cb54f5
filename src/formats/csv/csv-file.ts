// A file's rows as objects, block by block, from any record on.

import { Blocks, enoughBytes } from "./blocks.ts";
import type { Encoding } from "./encoding.ts";
import { type BadRecord, type Dialect, RecordReader, type RecordsInput } from "./records.ts";
import { type Contents, isSameStamp, SourceFile, type Stamp } from "./source-file.ts";
import { toNumber } from "./types.ts";

/** Text as it is; numbers where they are written as numbers; numbers wherever one can be read. */
export type CellKind = "text" | "number" | "loose number";

/** How a file is read; JSON. */
export type CsvSource = {
  readonly path: string;
  readonly encoding: Encoding;
  readonly dialect: Dialect;
  /** The byte, and the line, that the header begins at. */
  readonly start: number;
  readonly firstLine: number;
  /** What was looked through. */
  readonly contents: Contents;
  readonly columns: readonly { readonly name: string; readonly as: CellKind }[];
  /** Columns that must not be empty. */
  readonly key: readonly string[];
  readonly emptyIsNull: boolean;
};

/** Where a record begins, and what is before it. */
export type Position = {
  readonly offset: number;
  readonly line: number;
  readonly crc: number;
  readonly rows: number;
  readonly badRows: number;
  /** Lines that the bad rows cover. */
  readonly badLines: number;
};

/** A bigint where a whole number is beyond 2^53. */
export type CsvCell = string | number | bigint | null;
export type CsvRow = { [column: string]: CsvCell };

export type CsvBatch = {
  readonly rows: readonly CsvRow[];
  readonly bad: readonly BadRecord[];
  /** Behind the batch. */
  readonly position: Position;
  /** All that is to be read, in bytes. */
  readonly size: number;
};

/** A file is not any more what was looked through. */
export class ChangedError extends Error {
  override readonly name = "ChangedError";
}

/** A file that was looked through, from any record on. */
export class CsvFile implements Disposable {
  readonly #file: SourceFile;
  readonly #source: CsvSource;
  #seenStamp: Stamp;

  private constructor(file: SourceFile, source: CsvSource) {
    this.#file = file;
    this.#source = source;
    this.#seenStamp = file.stamp;
  }

  /** @throws ChangedError */
  static async open(source: CsvSource): Promise<CsvFile> {
    const file = await SourceFile.open(source.path);
    const csv = new CsvFile(file, source);
    if (!isSameStamp(file.stamp, source.contents.stamp)) csv.#compare();
    csv.#checkLastLine();
    return csv;
  }

  /**
   * To be called before rows are committed, and at the end: they must be those of the file that was looked through. Lines that were added
   * to it do no harm, and are compared at the end.
   * @throws ChangedError
   */
  check(): void {
    const stamp = this.#file.stampNow();
    if (isSameStamp(stamp, this.#seenStamp)) return;
    this.#seenStamp = stamp;
    if (stamp.size <= this.#source.contents.bytes) this.#compare();
    this.#checkLastLine();
  }

  /** Something follows what was looked through. */
  get hasGrown(): boolean {
    return this.#file.sizeNow() > this.#source.contents.bytes;
  }

  /** Where something follows that was not there, the last line may have been half of one. */
  #checkLastLine(): void {
    const { contents, dialect, encoding } = this.#source;
    const end = contents.bytes;
    if (!this.hasGrown || this.#file.isLineEnd(end, dialect.newline, encoding)) return;
    throw new ChangedError(
      `${this.#source.path}: it has grown since it was looked through, when its last line was not whole`,
    );
  }

  /**
   * @param from null for the beginning, header included
   * @throws ChangedError at the end, if the bytes that were read were others than those looked through
   */
  *rows(from: Position | null): Generator<CsvBatch> {
    const { contents, encoding, dialect, start, firstLine } = this.#source;
    const begin = from ?? {
      offset: start,
      line: firstLine,
      crc: this.#file.crc(start) ?? 0,
      rows: 0,
      badRows: 0,
      badLines: 0,
    };
    const { offset, crc, line } = begin;
    let { rows, badRows, badLines } = begin;
    const maker = new RowMaker(this.#source, line, from === null);
    const options = { encoding, newline: dialect.newline, offset, crc, end: contents.bytes };
    const blocks = new Blocks(this.#file, options);
    for (let block = blocks.next(); block !== null; block = blocks.next()) {
      const batch = maker.read(block);
      blocks.used(batch.end);
      if (blocks.offset === contents.bytes && blocks.crc !== contents.crc) throw this.#changed();
      rows += batch.rows.length;
      badRows += batch.bad.length;
      for (const { lines } of batch.bad) badLines += lines;
      const position = {
        offset: blocks.offset,
        line: batch.line,
        crc: blocks.crc,
        rows,
        badRows,
        badLines,
      };
      yield { rows: batch.rows, bad: batch.bad, position, size: contents.bytes };
    }
    if (blocks.offset < contents.bytes) throw this.#changed();
  }

  #compare(): void {
    const { contents } = this.#source;
    if (this.#file.crc(contents.bytes) !== contents.crc) throw this.#changed();
  }

  #changed(): ChangedError {
    return new ChangedError(`${this.#source.path}: it has changed since it was looked through`);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
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
  readonly #isLoose: readonly boolean[];
  readonly #key: readonly number[];
  readonly #emptyIsNull: boolean;
  #isHeader: boolean;

  constructor({ dialect, columns, key, emptyIsNull }: CsvSource, line: number, hasHeader: boolean) {
    this.#reader = new RecordReader(dialect, columns.length, line);
    this.#names = columns.map(({ name }) => name);
    this.#isNumber = columns.map(({ as }) => as !== "text");
    this.#isLoose = columns.map(({ as }) => as === "loose number");
    this.#key = key.map((name) => this.#names.indexOf(name)).filter((index) => index >= 0);
    this.#emptyIsNull = emptyIsNull;
    this.#isHeader = hasHeader;
  }

  read(block: RecordsInput): Made {
    const reader = this.#reader;
    const rows: CsvRow[] = [];
    const bad: BadRecord[] = [];
    reader.open(block);
    while (reader.end < enoughBytes && reader.next()) {
      if (this.#isHeader && reader.why === null) {
        this.#isHeader = false;
        continue;
      }
      const found = reader.why === null ? this.#emptyKey() : reader.bad;
      if (found === null) rows.push(this.#make(block.bytes));
      else bad.push(found);
    }
    return { rows, bad, end: reader.end, line: reader.nextLine };
  }

  #emptyKey(): BadRecord | null {
    const { line, nextLine } = this.#reader;
    const { starts, ends } = this.#reader.fields;
    const key = this.#key;
    for (let i = 0; i < key.length; i++) {
      const index = key[i] as number;
      if (starts[index] !== ends[index]) continue;
      const why = `the key column ${this.#names[index]} is empty`;
      return { line, lines: nextLine - line, why, hint: null };
    }
    return null;
  }

  #make(bytes: Buffer): CsvRow {
    const { starts, ends } = this.#reader.fields;
    const names = this.#names;
    const row: CsvRow = {};
    for (let i = 0; i < names.length; i++) {
      const cell =
        this.#isNumber[i] === true
          ? toNumber(bytes, starts[i] ?? 0, ends[i] ?? 0, this.#isLoose[i] === true)
          : undefined;
      row[names[i] as string] = cell === undefined ? this.#text(i) : cell;
    }
    return row;
  }

  #text(index: number): string | null {
    const { starts, ends } = this.#reader.fields;
    return this.#emptyIsNull && starts[index] === ends[index] ? null : this.#reader.text(index);
  }
}
