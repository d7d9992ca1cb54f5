// A file in blocks of whole lines, as UTF-8. A position in a block is turned into one in the file.

import { isAscii, isUtf8 } from "node:buffer";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

import { byteLength, decoderOf, type Encoding, isWide } from "./encoding.ts";
import type { RecordsInput } from "./records.ts";

/** The bytes are not what the encoding allows. */
export class EncodingError extends Error {
  override readonly name = "EncodingError";
}

/** Measured: 64 KiB to 256 KiB are alike, and 1 MiB is a tenth slower. */
const blockBytes = 256 * 1024;
/** A record longer than this is a quote that nobody closed. */
const maxRecordBytes = 64 * 1024 * 1024;

export type BlocksOptions = {
  readonly encoding: Encoding;
  readonly newline: "\n" | "\r";
  /** Where to begin, in bytes. */
  readonly offset: number;
};

/**
 * Read, use, say how far: `next` gives the block at `offset`, `used` moves `offset` past what was taken from it. The
 * blocks of a file share their memory.
 * Reading is synchronous: it is one call into the page cache for each block, and the thread has nothing else to do.
 */
export class Blocks implements Disposable {
  readonly size: number;
  readonly #path: string;
  readonly #file: number;
  readonly #options: BlocksOptions;
  readonly #decode: (bytes: Uint8Array) => string;
  /** One byte longer than what is read: for the newline that the end of a file may lack. */
  #buffer: Buffer = Buffer.allocUnsafe(blockBytes + 1);
  #offset: number;
  /** Bytes of the file in the block, and what was made of them. */
  #taken = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(path: string, options: BlocksOptions) {
    this.#path = path;
    this.#options = options;
    this.#decode = decoderOf(options.encoding);
    this.#offset = options.offset;
    this.#file = openSync(path, "r");
    this.size = fstatSync(this.#file).size;
  }

  /** Bytes of the file that are done with. */
  get offset(): number {
    return this.#offset;
  }

  /** The next block, good until the one after it; null at the end of the file. @throws EncodingError */
  next(): RecordsInput | null {
    const room = this.#buffer.length - 1;
    const read = readSync(this.#file, this.#buffer, 0, room, this.#offset);
    if (read === 0) return null;
    const isLast = this.#offset + read >= this.size || read < room;
    this.#taken = isLast ? read : this.#lineEnd(read);
    if (this.#taken === 0) {
      this.#grow();
      return this.next();
    }
    this.#bytes = this.#toUtf8(this.#taken);
    return { bytes: this.#bytes, isAscii: isAscii(this.#bytes), isLast };
  }

  /** @param end where in the block the first record begins that it does not hold to its end */
  used(end: number): void {
    if (end === 0) return this.#grow();
    const rest = this.#bytes.subarray(end).toString();
    this.#offset += this.#taken - byteLength(rest, this.#options.encoding);
  }

  /** The first `length` bytes of the buffer, with a newline at the end. */
  #toUtf8(length: number): Buffer {
    const { encoding, newline } = this.#options;
    const bytes = this.#buffer.subarray(0, length);
    if (encoding !== "utf-8") {
      const text = this.#decode(bytes);
      return Buffer.from(text.endsWith(newline) ? text : text + newline);
    }
    if (!isUtf8(bytes)) {
      throw new EncodingError(
        `${this.#path}: not utf-8 (within ${length} bytes from byte ${this.#offset})`,
      );
    }
    const code = newline.charCodeAt(0);
    if (bytes[length - 1] === code) return bytes;
    this.#buffer[length] = code;
    return this.#buffer.subarray(0, length + 1);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
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
        `${this.#path}: a record of more than ${maxRecordBytes / 2 ** 20} MB begins at byte ${this.#offset}; is a quote not closed?`,
      );
    }
    this.#buffer = Buffer.allocUnsafe(this.#buffer.length * 4);
  }
}
