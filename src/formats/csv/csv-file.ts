// Reads an inspected file's rows as objects, block by block, starting at any record.

import { Blocks, enoughBytes } from "./blocks.ts";
import type { Encoding } from "./encoding.ts";
import type { BadRecord } from "./bad-record.ts";
import { type Dialect, RecordReader, type RecordsInput } from "./records.ts";
import { type Contents, isSameStamp, SourceFile, type Stamp } from "./source-file.ts";
import { toNumber } from "./types.ts";

/**
 * `text`: the field unchanged. `number`: a number if the field is written exactly as that number. `loose number`: a
 * number if one can be read, so `007` is 7.
 */
export type CellKind = "text" | "number" | "loose number";

/** How to read a file. JSON. */
export type CsvSource = {
  readonly path: string;
  readonly encoding: Encoding;
  readonly dialect: Dialect;
  /** Byte offset and line number of the header. */
  readonly start: number;
  readonly firstLine: number;
  /** The contents that were inspected. */
  readonly contents: Contents;
  readonly columns: readonly { readonly name: string; readonly as: CellKind }[];
  /** Columns that must not be empty. */
  readonly key: readonly string[];
  readonly emptyIsNull: boolean;
};

/** The start of a record, and counts of what precedes it. */
export type Position = {
  readonly offset: number;
  readonly line: number;
  readonly crc: number;
  readonly rows: number;
  readonly badRows: number;
  /** Number of lines in all bad rows. */
  readonly badLines: number;
};

/** A bigint for an integer beyond 2^53. */
export type CsvCell = string | number | bigint | null;
export type CsvRow = { [column: string]: CsvCell };

export type CsvBatch = {
  readonly rows: readonly CsvRow[];
  readonly bad: readonly BadRecord[];
  /** The position after the batch. */
  readonly position: Position;
  /** Total bytes to read. */
  readonly size: number;
};

/** The file's contents differ from the inspected contents. */
export class ChangedError extends Error {
  override readonly name = "ChangedError";
}

/** An inspected file, readable from any record. */
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
   * Call this before each commit and at the end, so that only rows of the inspected contents are stored. Appended lines
   * are allowed; the checksum of the inspected bytes is compared at the end of `rows`.
   * @throws ChangedError
   */
  check(): void {
    const stamp = this.#file.stampNow();
    if (isSameStamp(stamp, this.#seenStamp)) return;
    this.#seenStamp = stamp;
    if (stamp.size <= this.#source.contents.bytes) this.#compare();
    this.#checkLastLine();
  }

  /** Bytes were appended after the inspection. */
  get hasGrown(): boolean {
    return this.#file.sizeNow() > this.#source.contents.bytes;
  }

  /** If bytes were appended, the last inspected line may have been incomplete. */
  #checkLastLine(): void {
    const { contents, dialect, encoding } = this.#source;
    const end = contents.bytes;
    if (!this.hasGrown || this.#file.isLineEnd(end, dialect.newline, encoding)) return;
    throw new ChangedError(
      `${this.#source.path}: the file has grown since it was inspected, and its last line was not complete then`,
    );
  }

  /**
   * @param from null: start at the header
   * @throws ChangedError at the end, if the bytes read differ from the inspected bytes
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
    return new ChangedError(`${this.#source.path}: the file has changed since it was inspected`);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

type Made = Pick<CsvBatch, "rows" | "bad"> & {
  /** Bytes used from the block. */
  readonly end: number;
  /** The line after those bytes. */
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
