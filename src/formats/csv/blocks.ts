// Reads a file in blocks of whole lines and decodes them to UTF-8. Maps positions in a block back to file offsets.

import { isAscii, isUtf8 } from "node:buffer";
import { crc32 } from "node:zlib";

import { byteLength, type Encoding, isWide, toUtf8 } from "./encoding.ts";
import type { RecordsInput } from "./records.ts";
import type { SourceFile } from "./source-file.ts";

/** Measured: 64 KiB to 256 KiB are equally fast, 1 MiB is 10 % slower. */
const blockBytes = 256 * 1024;
/** A record longer than this is almost certainly an unclosed quote. */
const maxRecordBytes = 64 * 1024 * 1024;
/** Upper bound for the rows of one batch, in bytes, after a block has grown for one long record. */
export const enoughBytes = 2 * blockBytes;

type BlocksOptions = {
  readonly encoding: Encoding;
  readonly newline: "\n" | "\r";
  /** First byte to read. */
  readonly offset: number;
  /** Byte offset to stop at. Later bytes were written after the file was inspected. */
  readonly end: number;
  /** CRC-32 of the bytes before `offset`. */
  readonly crc: number;
  /** Another program appends lines: an incomplete line at the end is not read. */
  readonly isGrowing?: boolean;
};

/**
 * Protocol: `next` returns the block at `offset`, then `used` advances `offset` past the records taken from the block.
 * All blocks share one buffer.
 * Reads are synchronous: one call into the page cache per block, in a thread that has nothing else to do.
 */
export class Blocks {
  readonly #source: SourceFile;
  readonly #options: BlocksOptions;
  /** One byte longer than a read: a newline is added when the file does not end with one. */
  readonly #small: Buffer = Buffer.allocUnsafe(blockBytes + 1);
  #buffer: Buffer = this.#small;
  #offset: number;
  #crc: number;
  /** File bytes in the current block, and the block's bytes after decoding. */
  #taken = 0;
  #bytes: Buffer = Buffer.alloc(0);
  /** Encoded length of what decoding appended: the newline and the replacement for half a UTF-16 unit. */
  #added = 0;
  /** The block is the last one of a growing file, so its last line may be incomplete. */
  #isTail = false;
  #isOver = false;

  constructor(source: SourceFile, options: BlocksOptions) {
    this.#source = source;
    this.#options = options;
    this.#offset = options.offset;
    this.#crc = options.crc;
  }

  /** File offset of the first byte that is not used yet. */
  get offset(): number {
    return this.#offset;
  }

  /** CRC-32 of all bytes before `offset`. */
  get crc(): number {
    return this.#crc;
  }

  /** The next block, valid until the next call; null at the end of the file. */
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

  /** @param end offset in the block of the first record that was not taken */
  used(end: number): void {
    if (end === 0 && this.#isTail) {
      this.#isOver = true;
      return;
    }
    if (end === 0) return this.#grow();
    const consumed = this.#consumed(end);
    this.#crc = crc32(this.#buffer.subarray(0, consumed), this.#crc);
    this.#offset += consumed;
    // Go back to small blocks after a long record: a large block of short rows would exceed the limits of a unit.
    if (end < enoughBytes + blockBytes) this.#buffer = this.#small;
  }

  /** File bytes that correspond to the first `end` bytes of the decoded block. */
  #consumed(end: number): number {
    const { encoding } = this.#options;
    if (end === this.#bytes.length) return this.#taken;
    if (encoding === "utf-8") return end;
    const rest = this.#bytes.subarray(end).toString();
    return this.#taken - (byteLength(rest, encoding) - this.#added);
  }

  /** Decodes the first `length` bytes of the buffer and appends a newline if there is none. */
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

  /** The offset after the last line break, or 0. In UTF-16 a line break is two bytes at an even offset. */
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
        `${this.#source.path}: a record of more than ${maxRecordBytes / 2 ** 20} MB begins at byte ${this.#offset}; is a quote not closed? (--quote none treats quotes as plain characters)`,
      );
    }
    this.#buffer = Buffer.allocUnsafe(this.#buffer.length * 4);
  }
}
