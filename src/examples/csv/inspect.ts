// One pass over a file before it is loaded: how it is written, its columns, and the types that lose nothing. It makes
// no strings, so it takes a tenth of the loading; in return a broken file is known before its first row is stored.

import { Blocks, EncodingError } from "./blocks.ts";
import { columnNames, detectDialect, firstRecord, separatorOf } from "./dialect.ts";
import { bomBytes, decoderOf, detectEncoding, type Encoding } from "./encoding.ts";
import { type BadRecord, type Dialect, type Fields, RecordReader } from "./records.ts";
import { type ColumnType, type Kind, kindOf, kinds, typeOfKind } from "./types.ts";

export type InspectOptions = {
  /** Null: found out. */
  readonly separator: string | null;
  readonly encoding: Encoding | null;
  readonly skipBadRows: boolean;
};

/** What loading needs to know; JSON. */
export type Inspection = {
  readonly path: string;
  readonly encoding: Encoding;
  readonly dialect: Dialect;
  readonly columns: readonly {
    readonly name: string;
    readonly type: ColumnType;
    readonly isEmpty: boolean;
  }[];
  /** Bytes of a byte order mark. */
  readonly start: number;
  readonly bytes: number;
  readonly rows: number;
  readonly badRows: number;
};

const headBytes = 64 * 1024;
const maxHeadBytes = 64 * 1024 * 1024;
const lineFeed = 10;
const carriageReturn = 13;

/**
 * @param progress told now and then how many of how many bytes are read
 * @throws Error naming file and line for the first bad row, unless they are skipped
 */
export async function inspectCsv(
  path: string,
  options: InspectOptions,
  progress: (bytes: number, of: number) => void = () => undefined,
): Promise<Inspection> {
  const head = await readHead(path);
  const detected = detectEncoding(head)?.encoding;
  const encoding = options.encoding ?? detected ?? "utf-8";
  try {
    return scan(path, head, encoding, options, progress);
  } catch (error) {
    const isGuess = options.encoding === null && detected === undefined;
    if (!isGuess || !(error instanceof EncodingError)) throw error;
    return scan(path, head, "latin1", options, progress);
  }
}

/** The file's beginning, with all of its first line: a header of thousands of columns is longer than most beginnings. */
async function readHead(path: string): Promise<Uint8Array> {
  for (let bytes = headBytes; ; bytes *= 4) {
    const head = await Bun.file(path).slice(0, bytes).bytes();
    if (head.length < bytes || bytes >= maxHeadBytes) return head;
    if (head.includes(lineFeed) || head.includes(carriageReturn)) return head;
  }
}

function scan(
  path: string,
  head: Uint8Array,
  encoding: Encoding,
  options: InspectOptions,
  progress: (bytes: number, of: number) => void,
): Inspection {
  const start = bomBytes(head, encoding);
  const beginning = decoderOf(encoding)(head.subarray(start));
  const dialect = detectDialect(
    beginning,
    options.separator === null ? null : separatorOf(options.separator),
  );
  const names = columnNames(firstRecord(beginning, dialect) ?? []);
  const seen = new SeenKinds(path, names.length, options.skipBadRows);
  const reader = new RecordReader(dialect, names.length);
  using blocks = new Blocks(path, { encoding, newline: dialect.newline, offset: start });
  for (let block = blocks.next(); block !== null; block = blocks.next()) {
    reader.open(block);
    seen.read(reader, block.bytes);
    blocks.used(reader.end);
    progress(blocks.offset, blocks.size);
  }
  return {
    path,
    encoding,
    dialect,
    columns: names.map((name, i) => ({
      name,
      type: typeOfKind(seen.kind(i)),
      isEmpty: seen.kind(i) === kinds.empty,
    })),
    start,
    bytes: blocks.size,
    rows: Math.max(0, seen.rows - 1),
    badRows: seen.badRows,
  };
}

/** The largest kind in each column; the first row is the header. */
class SeenKinds {
  readonly #path: string;
  readonly #kinds: Kind[];
  readonly #skipBadRows: boolean;
  rows = 0;
  badRows = 0;

  constructor(path: string, columns: number, skipBadRows: boolean) {
    this.#path = path;
    this.#kinds = Array.from({ length: columns }, () => kinds.empty);
    this.#skipBadRows = skipBadRows;
  }

  kind(column: number): Kind {
    return this.#kinds[column] ?? kinds.empty;
  }

  /** All records of a block. */
  read(reader: RecordReader, bytes: Buffer): void {
    while (reader.next()) {
      const { why, line } = reader;
      if (why !== null) this.#bad({ line, why });
      else if (this.rows++ > 0) this.#row(reader.fields, bytes);
    }
  }

  #row({ starts, ends }: Fields, bytes: Buffer): void {
    const seen = this.#kinds;
    for (let i = 0; i < seen.length; i++) {
      if (seen[i] === kinds.text) continue;
      const kind = kindOf(bytes, starts[i] ?? 0, ends[i] ?? 0);
      if (kind > (seen[i] ?? 0)) seen[i] = kind;
    }
  }

  #bad(record: BadRecord): void {
    if (!this.#skipBadRows) throw badRowError(this.#path, record);
    this.badRows++;
  }
}

export const badRowError = (path: string, { line, why }: BadRecord): Error =>
  new Error(`${path}, line ${line}: ${why} (--skip-bad-rows leaves such rows out and counts them)`);
