// A number that one thread counts up and another reads, e.g. how many messages are on their way to it.

export class SharedCount {
  readonly buffer: SharedArrayBuffer;
  readonly #cell: Int32Array;

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#cell = new Int32Array(buffer);
  }

  static create(): SharedCount {
    return new SharedCount(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  }

  static from(buffer: SharedArrayBuffer): SharedCount {
    return new SharedCount(buffer);
  }

  increase(): void {
    Atomics.add(this.#cell, 0, 1);
  }

  /** By how much the count is ahead of `other`. Both wrap around at 32 bits. */
  aheadOf(other: number): number {
    return (Atomics.load(this.#cell, 0) - other) | 0;
  }
}
