// A file in blocks of whole lines, each decoded on its own, so that a position in the text is one in the file.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";

import { byteLength, decoderOf, type Encoding, isValid, isWide } from "./encoding.ts";

export type Block = {
  readonly text: string;
  /** The file ends with this block. */
  readonly isLast: boolean;
};

/** The bytes are not what the encoding allows. */
export class EncodingError extends Error {
  override readonly name = "EncodingError";
}

/** Large blocks are new memory for each text, and page faults: 256 KiB took a tenth less CPU than 1 MiB. */
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
 * Read, use, say how far: `next` gives the block at `offset`, `used` moves `offset` past what was taken from it.
 * Reading is synchronous: it is one call into the page cache for each megabyte, and the thread has nothing else to do.
 */
export class Blocks implements Disposable {
  readonly size: number;
  readonly #path: string;
  readonly #file: number;
  readonly #options: BlocksOptions;
  readonly #decode: (bytes: Uint8Array) => string;
  #buffer = Buffer.allocUnsafe(blockBytes);
  #offset: number;
  #taken = 0;

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

  /** The next block; null at the end of the file. @throws EncodingError */
  next(): Block | null {
    const read = readSync(this.#file, this.#buffer, 0, this.#buffer.length, this.#offset);
    if (read === 0) return null;
    const isLast = this.#offset + read >= this.size || read < this.#buffer.length;
    const bytes = this.#buffer.subarray(0, isLast ? read : this.#lineEnd(read));
    if (bytes.length === 0) {
      this.#grow();
      return this.next();
    }
    if (!isValid(bytes, this.#options.encoding)) {
      throw new EncodingError(
        `${this.#path}: not ${this.#options.encoding} (within ${bytes.length} bytes from byte ${this.#offset})`,
      );
    }
    this.#taken = bytes.length;
    return { text: this.#decode(bytes), isLast };
  }

  /** @param end where in the block's text the first record begins that it does not hold to its end */
  used(block: Block, end: number): void {
    if (end === 0) {
      this.#grow();
      return;
    }
    const rest =
      end === block.text.length ? 0 : byteLength(block.text.slice(end), this.#options.encoding);
    this.#offset += this.#taken - rest;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  /** Just past the last line break. In UTF-16 a break is two bytes, at an even place. */
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
