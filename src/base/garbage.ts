// Collects garbage after many characters of text. Left alone, the collector lets the heap of a thread that handles long
// texts grow by 100 MB and more, although only a few MB of it are in use.

import { heapSize } from "bun:jsc";

/** Shorter texts are collected in time without help, and counting them costs no-op tasks 5 % of CPU. */
const minTextChars = 64 * 1024;
/** So are the parts of a text that is split into many. */
const minPartChars = 1024;
/** A collection of a small heap takes 1 to 5 ms. */
const minChars = 2 * 1024 * 1024;

export class Garbage {
  #chars = 0;
  /** A quarter of the heap: a large heap takes longer to collect, and is collected less often. */
  #collectAfter = minChars;

  /** A text of this length, which consists of `parts`, was read or written, and most of it is not kept. */
  add(chars: number, parts = 1): void {
    if (chars < minTextChars || chars < minPartChars * parts) return;
    this.#chars += chars;
    if (this.#chars < this.#collectAfter) return;
    this.#chars = 0;
    Bun.gc(true);
    this.#collectAfter = Math.max(minChars, heapSize() / 4);
  }
}
