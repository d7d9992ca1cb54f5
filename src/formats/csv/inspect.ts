// Inspection: one pass over a file before it is loaded. It finds the encoding, the dialect, the columns, and column
// types that lose nothing. It creates no strings, so it takes a tenth of the loading time. A broken file is reported
// before its first row is stored.

import { Blocks } from "./blocks.ts";
import { ColumnKinds, type InspectedColumn, type KindsOptions } from "./column-kinds.ts";
import { columnNames, type Head, readHead, separatorOf, skippedBytes } from "./dialect.ts";
import { decodeHead, detectEncoding, type Encoding, hasMultibyte } from "./encoding.ts";
import { type Dialect, type Quote, RecordReader } from "./records.ts";
import { type Contents, isSameStamp, SourceFile } from "./source-file.ts";

export type InspectOptions = KindsOptions & {
  /** Null: detected. */
  readonly separator: string | null;
  readonly encoding: Encoding | null;
  readonly quote: Quote;
};

/** The result, used for loading. JSON. */
export type Inspection = {
  readonly path: string;
  readonly encoding: Encoding;
  readonly dialect: Dialect;
  readonly columns: readonly InspectedColumn[];
  /** Byte offset and line number of the header. */
  readonly start: number;
  readonly firstLine: number;
  readonly contents: Contents;
  readonly rows: number;
  readonly badRows: number;
  /** Messages for the user about choices that were made. */
  readonly notes: readonly Note[];
};

export type Note = { readonly level: "info" | "warn"; readonly text: string };

const lineFeed = 10;
const headBytes = 64 * 1024;
const maxHeadBytes = 64 * 1024 * 1024;

/**
 * @param progress called once per block with the bytes read and the total
 * @throws Error naming file and line for the first bad row, unless `skipBadRows`
 */
export async function inspectCsv(
  path: string,
  options: InspectOptions,
  progress: (bytes: number, of: number) => void = () => undefined,
): Promise<Inspection> {
  using source = await SourceFile.open(path);
  const first = attempt(() => inspectOnce(source, options, "still", progress));
  if (isSameStamp(source.stamp, source.stampNow())) return resultOf(first);
  // Another program writes to the file. If it only appends, the complete lines are readable. Any other change gives a
  // mixture of two versions.
  using again = await SourceFile.open(path);
  const second = attempt(() => inspectOnce(again, options, "growing", progress));
  const contents = second.result?.contents;
  if (contents !== undefined && !again.beginsWith(contents)) {
    throw new Error(
      `${path}: the file is changed while it is read; run this again when its writer has finished`,
    );
  }
  return resultOf(second);
}

type Attempt = { readonly result?: Inspection; readonly error?: unknown };

function attempt(inspection: () => Inspection): Attempt {
  try {
    return { result: inspection() };
  } catch (error) {
    return { error };
  }
}

function resultOf({ result, error }: Attempt): Inspection {
  if (result === undefined) throw error;
  return result;
}

/** `growing`: another program appends lines, so the last line may be incomplete. */
type Life = "still" | "growing";
type Progress = (bytes: number, of: number) => void;

function inspectOnce(
  source: SourceFile,
  options: InspectOptions,
  life: Life,
  progress: Progress,
): Inspection {
  const detected = detectEncoding(beginningOf(source, 0, headBytes));
  const encoding = options.encoding ?? detected?.encoding ?? "utf-8";
  const bomBytes = detected?.bomBytes ?? 0;
  if (bomBytes > 0 && detected?.encoding !== encoding) {
    throw new Error(
      `${source.path}: the file begins with the byte order mark of ${detected?.encoding}, so it is not ${encoding}`,
    );
  }
  const scan = (as: Encoding, guess: Guess): Inspection =>
    new Scan(source, options, { encoding: as, bomBytes, guess }, life).run(progress);
  if (options.encoding !== null || detected !== null) return scan(encoding, null);
  try {
    return scan("utf-8", "open");
  } catch (error) {
    if (!(error instanceof NotUtf8)) throw error;
    return scan("latin1", { notUtf8At: error.line });
  }
}

/**
 * Null: the encoding is known. `open`: UTF-8 is tried. `notUtf8At`: UTF-8 failed at this line, so the encoding is a
 * fallback.
 */
type Guess = null | "open" | { readonly notUtf8At: number };

/** The file is not UTF-8: it has bytes beyond ASCII, and none of them form a UTF-8 character. */
class NotUtf8 extends Error {
  readonly line: number;
  constructor(line: number) {
    super(`not utf-8 from line ${line} on`);
    this.line = line;
  }
}

function beginningOf(source: SourceFile, from: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, source.read(buffer, length, from));
}

type Reading = {
  readonly encoding: Encoding;
  readonly bomBytes: number;
  readonly guess: Guess;
};

/** One pass over a file in one encoding. */
class Scan {
  readonly #source: SourceFile;
  readonly #options: InspectOptions;
  readonly #reading: Reading;
  readonly #life: Life;

  constructor(source: SourceFile, options: InspectOptions, reading: Reading, life: Life) {
    this.#source = source;
    this.#options = options;
    this.#reading = reading;
    this.#life = life;
  }

  /** @throws NotUtf8 when UTF-8 is only a guess */
  run(progress: Progress): Inspection {
    const source = this.#source;
    const { encoding, bomBytes } = this.#reading;
    const head = this.#head();
    const { dialect } = head;
    const firstLine = head.skipped.lines + 1;
    if (head.why !== null) throw new Error(`${source.path}, line ${firstLine}: ${head.why}`);
    const names = columnNames(head.header);
    const start = bomBytes + skippedBytes(head, encoding);
    const seen = new ColumnKinds(source.path, names, this.#options);
    const reader = new RecordReader(dialect, names.length, firstLine);
    const blocks = new Blocks(source, {
      encoding,
      newline: dialect.newline,
      offset: start,
      end: source.size,
      crc: source.crc(start) ?? 0,
      isGrowing: this.#life === "growing",
    });
    for (let block = blocks.next(); block !== null; block = blocks.next()) {
      if (this.#reading.guess === "open" && !block.isValid) this.#checkUtf8(block.bytes, reader);
      reader.open(block);
      seen.read(reader, block.bytes);
      blocks.used(reader.end);
      progress(blocks.offset, source.size);
    }
    return {
      path: source.path,
      encoding,
      dialect,
      columns: seen.columns,
      start,
      firstLine,
      contents: { stamp: source.stamp, bytes: blocks.offset, crc: blocks.crc },
      rows: seen.rows,
      badRows: seen.badRows,
      notes: this.#notes(seen, blocks.offset),
    };
  }

  /** Reads more until the header is complete: a header with thousands of columns is longer than `headBytes`. */
  #head(): Head {
    const { encoding, bomBytes } = this.#reading;
    const { separator, quote } = this.#options;
    const options = { separator: separator === null ? null : separatorOf(separator), quote };
    for (let bytes = headBytes; ; bytes *= 4) {
      const beginning = beginningOf(this.#source, bomBytes, bytes);
      const head = readHead(decodeHead(beginning, encoding), options);
      if (head.isWhole || beginning.length < bytes || bytes >= maxHeadBytes) return head;
    }
  }

  /** @throws NotUtf8 if no bytes beyond ASCII are UTF-8; otherwise invalid bytes are damage and make bad rows */
  #checkUtf8(bytes: Buffer, reader: RecordReader): void {
    if (this.#hasMultibyte()) return;
    const at = bytes.findIndex((byte) => byte >= 0x80);
    const breaks = bytes.subarray(0, at).filter((byte) => byte === lineFeed).length;
    throw new NotUtf8(reader.nextLine + breaks);
  }

  #hasMultibyte(): boolean {
    const length = 1024 * 1024;
    for (let at = 0; at < this.#source.size; at += length) {
      // +3: a character may span two pieces.
      if (hasMultibyte(beginningOf(this.#source, at, length + 3))) return true;
    }
    return false;
  }

  #notes(seen: ColumnKinds, bytes: number): Note[] {
    const { encoding, guess } = this.#reading;
    const notes: Note[] = [];
    if (this.#source.isCompressed) notes.push({ level: "info", text: "decompressed (gzip)" });
    if (guess !== null && guess !== "open") {
      notes.push({
        level: "warn",
        text: `the file is not UTF-8 (first in line ${guess.notUtf8At}), so it is read as ${encoding}; ${this.#options.names.encoding} sets another encoding`,
      });
    } else if (this.#options.encoding === null && encoding !== "utf-8") {
      notes.push({ level: "info", text: `read as ${encoding}` });
    }
    if (this.#life === "growing") {
      notes.push({
        level: "warn",
        text: `the file grows while it is read: only the complete rows of its first ${bytes} bytes are loaded`,
      });
    }
    const [doubtful] = seen.doubtful;
    if (doubtful !== undefined) {
      const others = seen.doubtful.length - 1;
      notes.push({
        level: "warn",
        text: `line ${doubtful}${others === 0 ? "" : ` (and ${others} other places)`}: a quoted field spans lines that would each be a row; if quotes are plain characters in this file, use ${this.#options.names.quoteNone}`,
      });
    }
    return notes;
  }
}
