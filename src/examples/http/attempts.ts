// When a transfer that breaks is taken up again: as long as attempts get further, without an end.

const defaultLimit = 5;
const defaultDelayMs = 500;

export class Attempts {
  readonly #limit: number;
  readonly #delayMs: number;
  #failures = 0;
  #furthest = 0;

  /**
   * @param limit so many attempts one after another that get no further are the end
   * @param delayMs the first wait; it doubles until an attempt gets further
   */
  constructor(limit = defaultLimit, delayMs = defaultDelayMs) {
    this.#limit = limit;
    this.#delayMs = delayMs;
  }

  /**
   * @param reached how far the attempt that failed came
   * @returns how long to wait before the next
   * @throws `error` when there is none
   */
  waitAfter(error: Error, reached: number): number {
    this.#failures = reached > this.#furthest ? 1 : this.#failures + 1;
    this.#furthest = Math.max(this.#furthest, reached);
    if (this.#failures >= this.#limit) throw error;
    return this.#delayMs * 2 ** (this.#failures - 1);
  }
}
