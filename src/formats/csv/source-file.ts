// A CSV file on disk: opened, decompressed if needed, and checked for changes by stamp and checksum.

import {
  closeSync,
  createWriteStream,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { pipeline as pipe } from "node:stream/promises";
import { crc32, createGunzip } from "node:zlib";

import type { Encoding } from "./encoding.ts";
import { descriptorOf } from "./standard-input.ts";

/** An equal stamp means that the file was not written to. JSON. */
export type Stamp = {
  readonly size: number;
  /** Text, because nanoseconds exceed 2^53. */
  readonly modifiedNs: string;
  readonly inode: string;
};

/** Identifies the first `bytes` bytes of a file by stamp and CRC-32. JSON. */
export type Contents = { readonly stamp: Stamp; readonly bytes: number; readonly crc: number };

const gzipMagic = [0x1f, 0x8b];
/** Magic numbers of files that are not text. */
const notText: readonly (readonly [magic: readonly number[], what: string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], "a zip archive or an Excel workbook: unpack it, or save it as CSV"],
  [[0xd0, 0xcf, 0x11, 0xe0], "an old Excel workbook: save it as CSV"],
  [[0x28, 0xb5, 0x2f, 0xfd], "compressed (zstd): decompress it first"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "compressed (xz): decompress it first"],
  [[0x42, 0x5a, 0x68], "compressed (bzip2): decompress it first"],
  [[0x50, 0x41, 0x52, 0x31], "a Parquet file, not CSV"],
  [[0x25, 0x50, 0x44, 0x46], "a PDF file, not CSV"],
  [[0x53, 0x51, 0x4c, 0x69, 0x74, 0x65, 0x20, 0x66], "an SQLite database, not CSV"],
  [[0xff, 0xfe, 0x00, 0x00], "UTF-32, which is not supported: save it as UTF-8"],
  [[0x00, 0x00, 0xfe, 0xff], "UTF-32, which is not supported: save it as UTF-8"],
];

/** The folder of a pipeline file is the working directory of its run, which may surprise with a path of a parameter. */
const missing = (path: string): string =>
  isAbsolute(path) ? `${path}: no such file` : `${path}: no such file in ${process.cwd()}`;

const beginsWith = (head: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, i) => head[i] === byte);

/** Read size for checksums and archives. */
const readBytes = 1024 * 1024;

/** `isOwn`: to be closed after use, which the descriptor of standard input is not. */
type Opened = { readonly path: string; readonly file: number; readonly isOwn: boolean };

function open(path: string): Opened {
  const descriptor = descriptorOf(path);
  if (descriptor !== undefined) return { path, file: descriptor, isOwn: false };
  // Before the open, which would wait for a writer of a named pipe and block the thread.
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new Error(missing(path));
  if (!found.isFile()) {
    throw new Error(
      `${path}: not a regular file; CSV is read twice, so a pipe cannot be used (pipeloom csv - reads standard input)`,
    );
  }
  return { path, file: openSync(path, "r"), isOwn: true };
}

function close({ file, isOwn }: Opened): void {
  if (isOwn) closeSync(file);
}

export class SourceFile implements Disposable {
  readonly path: string;
  /** The file's stamp when it was opened. */
  readonly stamp: Stamp;
  /** Size of the (decompressed) contents in bytes when the file was opened. */
  readonly size: number;
  readonly isCompressed: boolean;
  readonly #file: number;
  readonly #isOwn: boolean;
  /** Descriptor to read from: the file, or a decompressed copy. */
  readonly #contents: number;

  private constructor({ path, file, isOwn }: Opened, contents: number) {
    this.path = path;
    this.#file = file;
    this.#isOwn = isOwn;
    this.#contents = contents;
    this.isCompressed = contents !== file;
    this.stamp = stampOf(file);
    this.size = this.isCompressed ? fstatSync(contents).size : this.stamp.size;
  }

  /** @throws Error for a file that cannot contain rows: a pipe, a workbook, a broken archive */
  static async open(path: string): Promise<SourceFile> {
    const opened = open(path);
    try {
      const head = Buffer.alloc(8);
      readSync(opened.file, head, 0, head.length, 0);
      const what = notText.find(([magic]) => beginsWith(head, magic))?.[1];
      if (what !== undefined) throw new Error(`${path}: this is ${what}`);
      const isGzip = beginsWith(head, gzipMagic);
      return new SourceFile(opened, isGzip ? await unpacked(opened) : opened.file);
    } catch (error) {
      close(opened);
      throw error;
    }
  }

  /** @returns the number of bytes read; 0 at the end */
  read(buffer: Buffer, length: number, offset: number): number {
    return readSync(this.#contents, buffer, 0, length, offset);
  }

  /** The file's current stamp. The decompressed copy of a compressed file never changes. */
  stampNow(): Stamp {
    return this.isCompressed ? this.stamp : stampOf(this.#file);
  }

  sizeNow(): number {
    return this.isCompressed ? this.size : fstatSync(this.#file).size;
  }

  /** Whether a line break ends just before this byte. */
  isLineEnd(end: number, newline: "\n" | "\r", encoding: Encoding): boolean {
    const code = newline.charCodeAt(0);
    const expected =
      encoding === "utf-16le" ? [code, 0] : encoding === "utf-16be" ? [0, code] : [code];
    const last = Buffer.alloc(expected.length);
    this.read(last, last.length, Math.max(0, end - last.length));
    return expected.every((byte, i) => last[i] === byte);
  }

  /** CRC-32 of the contents up to `end`; null if the contents are shorter. */
  crc(end: number): number | null {
    const buffer = Buffer.allocUnsafe(Math.min(readBytes, Math.max(end, 1)));
    let crc = 0;
    for (let at = 0; at < end;) {
      const read = this.read(buffer, Math.min(buffer.length, end - at), at);
      if (read === 0) return null;
      crc = crc32(buffer.subarray(0, read), crc);
      at += read;
    }
    return crc;
  }

  /** Whether the file still begins with these contents. An equal stamp saves reading the file. */
  beginsWith({ stamp, bytes, crc }: Contents): boolean {
    return isSameStamp(stamp, this.stampNow()) || this.crc(bytes) === crc;
  }

  [Symbol.dispose](): void {
    if (this.isCompressed) closeSync(this.#contents);
    if (this.#isOwn) closeSync(this.#file);
  }
}

function stampOf(file: number): Stamp {
  const { size, mtimeNs, ino } = fstatSync(file, { bigint: true });
  return { size: Number(size), modifiedNs: String(mtimeNs), inode: String(ino) };
}

export const isSameStamp = (a: Stamp, b: Stamp): boolean =>
  a.size === b.size && a.modifiedNs === b.modifiedNs && a.inode === b.inode;

/** A stream of the descriptor would close it when the archive is broken, and the caller closes it too. */
function* bytesOf(file: number): Generator<Buffer> {
  for (let offset = 0; ;) {
    // Not one buffer for all: the reader keeps what it has been given.
    const chunk = Buffer.allocUnsafe(readBytes);
    const read = readSync(file, chunk, 0, chunk.length, offset);
    if (read === 0) return;
    yield chunk.subarray(0, read);
    offset += read;
  }
}

/** Returns a descriptor of an unlinked copy, so the copy disappears with the process even after a crash. */
async function unpacked({ path, file }: Opened): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "pipeloom-gz-"));
  try {
    const copy = join(folder, "contents");
    await pipe(bytesOf(file), createGunzip(), createWriteStream(copy));
    return openSync(copy, "r");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${path}: the file is compressed (gzip) and cannot be decompressed: ${why}`, {
      cause: error,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
