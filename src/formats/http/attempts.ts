// Retry policy for a broken transfer: retry without limit while attempts make progress.

const defaultLimit = 5;
const defaultDelayMs = 500;

export class Attempts {
  readonly #limit: number;
  readonly #delayMs: number;
  #failures = 0;
  #furthest = 0;

  /**
   * @param limit consecutive attempts without progress before giving up
   * @param delayMs the first wait; it doubles until an attempt makes progress
   */
  constructor(limit = defaultLimit, delayMs = defaultDelayMs) {
    this.#limit = limit;
    this.#delayMs = delayMs;
  }

  /**
   * @param reached progress of the failed attempt, in bytes or rows
   * @returns the wait before the next attempt in ms
   * @throws `error` when no attempt is left
   */
  waitAfter(error: Error, reached: number): number {
    this.#failures = reached > this.#furthest ? 1 : this.#failures + 1;
    this.#furthest = Math.max(this.#furthest, reached);
    if (this.#failures >= this.#limit) throw error;
    return this.#delayMs * 2 ** (this.#failures - 1);
  }
}
