// A file in blocks of whole lines, as UTF-8. A position in a block is turned into one in the file.

import { isAscii, isUtf8 } from "node:buffer";
import { crc32 } from "node:zlib";

import { byteLength, type Encoding, isWide, toUtf8 } from "./encoding.ts";
import type { RecordsInput } from "./records.ts";
import type { SourceFile } from "./source-file.ts";

/** Measured: 64 KiB to 256 KiB are alike, and 1 MiB is a tenth slower. */
const blockBytes = 256 * 1024;
/** A record longer than this is a quote that nobody closed. */
const maxRecordBytes = 64 * 1024 * 1024;
/** Of a block that had to grow for one record, not more than this is handed on at once. */
export const enoughBytes = 2 * blockBytes;

type BlocksOptions = {
  readonly encoding: Encoding;
  readonly newline: "\n" | "\r";
  /** Where to begin, in bytes. */
  readonly offset: number;
  /** Where to end; what is behind it was written later. */
  readonly end: number;
  /** The checksum of what is before `offset`. */
  readonly crc: number;
  /** Lines are being added: what is not whole at the end is left alone. */
  readonly isGrowing?: boolean;
};

/**
 * Read, use, say how far: `next` gives the block at `offset`, `used` moves `offset` past what was taken from it. The
 * blocks of a file share their memory.
 * Reading is synchronous: it is one call into the page cache for each block, and the thread has nothing else to do.
 */
export class Blocks {
  readonly #source: SourceFile;
  readonly #options: BlocksOptions;
  /** One byte longer than what is read: for the newline that the end of a file may lack. */
  readonly #small: Buffer = Buffer.allocUnsafe(blockBytes + 1);
  #buffer: Buffer = this.#small;
  #offset: number;
  #crc: number;
  /** Bytes of the file in the block, and what was made of them. */
  #taken = 0;
  #bytes: Buffer = Buffer.alloc(0);
  /** Bytes that the end of the block has and the file has not. */
  #added = 0;
  /** The block is the last one, and its end may not be all there. */
  #isTail = false;
  #isOver = false;

  constructor(source: SourceFile, options: BlocksOptions) {
    this.#source = source;
    this.#options = options;
    this.#offset = options.offset;
    this.#crc = options.crc;
  }

  /** Bytes of the file that are done with. */
  get offset(): number {
    return this.#offset;
  }

  /** The checksum of all bytes before `offset`. */
  get crc(): number {
    return this.#crc;
  }

  /** The next block, good until the one after it; null at the end of the file. */
  next(): RecordsInput | null {
    if (this.#isOver) return null;
    const room = Math.min(this.#buffer.length - 1, this.#options.end - this.#offset);
    const read = room === 0 ? 0 : this.#source.read(this.#buffer, room, this.#offset);
    if (read === 0) return null;
    const isEnd = this.#offset + read >= this.#options.end || read < room;
    this.#isTail = isEnd && this.#options.isGrowing === true;
    const isLast = isEnd && !this.#isTail;
    this.#taken = isLast ? read : this.#lineEnd(read);
    if (this.#taken === 0) {
      this.used(0);
      return this.next();
    }
    this.#bytes = this.#toUtf8(this.#taken);
    const ascii = isAscii(this.#bytes);
    return {
      bytes: this.#bytes,
      isAscii: ascii,
      isValid: ascii || isUtf8(this.#bytes),
      isLast,
    };
  }

  /** @param end where in the block the first record begins that was not taken from it */
  used(end: number): void {
    if (end === 0 && this.#isTail) {
      this.#isOver = true;
      return;
    }
    if (end === 0) return this.#grow();
    const consumed = this.#consumed(end);
    this.#crc = crc32(this.#buffer.subarray(0, consumed), this.#crc);
    this.#offset += consumed;
    // Large blocks are for long records only: of short ones they would hold more than a unit may.
    if (end < enoughBytes + blockBytes) this.#buffer = this.#small;
  }

  /** Bytes of the file that a part of the block was made of. */
  #consumed(end: number): number {
    const { encoding } = this.#options;
    if (end === this.#bytes.length) return this.#taken;
    if (encoding === "utf-8") return end;
    const rest = this.#bytes.subarray(end).toString();
    return this.#taken - (byteLength(rest, encoding) - this.#added);
  }

  /** The first `length` bytes of the buffer, with a newline at the end. */
  #toUtf8(length: number): Buffer {
    const { encoding, newline } = this.#options;
    const code = newline.charCodeAt(0);
    const bytes = this.#buffer.subarray(0, length);
    if (encoding === "utf-8") {
      if (bytes[length - 1] === code) return bytes;
      this.#buffer[length] = code;
      return this.#buffer.subarray(0, length + 1);
    }
    const decoded = toUtf8(bytes, encoding);
    const isTorn = isWide(encoding) && length % 2 === 1;
    const isEnded = decoded.at(-1) === code;
    this.#added = (isTorn ? 1 : 0) + (isEnded ? 0 : byteLength(newline, encoding));
    return isEnded ? decoded : Buffer.concat([decoded, Buffer.of(code)]);
  }

  /** Just past the last line break, or 0. In UTF-16 a break is two bytes, at an even place. */
  #lineEnd(read: number): number {
    const code = this.#options.newline.charCodeAt(0);
    if (!isWide(this.#options.encoding)) return this.#buffer.lastIndexOf(code, read - 1) + 1;
    const [low, high] = this.#options.encoding === "utf-16le" ? [0, 1] : [1, 0];
    for (let at = (read & ~1) - 2; at >= 0; at -= 2) {
      if (this.#buffer[at + low] === code && this.#buffer[at + high] === 0) return at + 2;
    }
    return 0;
  }

  #grow(): void {
    if (this.#buffer.length >= maxRecordBytes) {
      throw new Error(
        `${this.#source.path}: a record of more than ${maxRecordBytes / 2 ** 20} MB begins at byte ${this.#offset}; is a quote not closed? (--quote none takes quotes as characters like others)`,
      );
    }
    this.#buffer = Buffer.allocUnsafe(this.#buffer.length * 4);
  }
}
