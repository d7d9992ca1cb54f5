// A flag that one thread sets and another reads: for a thread that is busy or blocked, and reads no messages.

const isSet = 1;

export class SharedFlag {
  readonly buffer: SharedArrayBuffer;
  readonly #cell: Int32Array;

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#cell = new Int32Array(buffer);
  }

  static create(): SharedFlag {
    return new SharedFlag(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  }

  static from(buffer: SharedArrayBuffer): SharedFlag {
    return new SharedFlag(buffer);
  }

  set(): void {
    Atomics.store(this.#cell, 0, isSet);
  }

  get isSet(): boolean {
    return Atomics.load(this.#cell, 0) === isSet;
  }
}
