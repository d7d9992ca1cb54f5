// Flow control between a worker and the writer: `postMessage` has no back-pressure. Each message costs credits. The writer
// gives them back when it has committed a message of records, or received an item of a unit. A worker without credits
// waits.
//
// Layout, in Int32: [0] messages sent; [1] credits spent; [2] credits given back. All three wrap around; only the
// difference between spent and given back counts.

export const creditCells = 3;
const sentIndex = 0;
const spentIndex = 1;
const returnedIndex = 2;

/** Credits that a worker may spend before the writer gives some back. */
export const maxCredits = 64;
/** 64 credits are 2 Mi characters on their way per worker: more costs memory and keeps the writer no busier. */
const charsPerCredit = 32 * 1024;
/** The longest wait at a stretch; credits that are given back end it sooner. */
const waitMs = 1000;

/** The price of a message: one credit, and one more for each 32 Ki characters. */
export const creditsOf = (chars: number): number => 1 + Math.floor(chars / charsPerCredit);

export class Credits {
  readonly #cells: Int32Array;

  constructor(cells: Int32Array) {
    this.#cells = cells;
  }

  /** Worker: after each message to the writer. */
  spend(credits: number): void {
    Atomics.add(this.#cells, spentIndex, credits);
    Atomics.add(this.#cells, sentIndex, 1);
  }

  /** Writer. Wakes a worker that waits for room. */
  giveBack(credits: number): void {
    Atomics.add(this.#cells, returnedIndex, credits);
    Atomics.notify(this.#cells, returnedIndex);
  }

  /** Credits spent and not given back. */
  outstanding(): number {
    return (Atomics.load(this.#cells, spentIndex) - Atomics.load(this.#cells, returnedIndex)) | 0;
  }

  get hasRoom(): boolean {
    return this.outstanding() < maxCredits;
  }

  /** Worker: blocks the thread until there is room. For code that cannot await. */
  waitForRoom(): void {
    for (;;) {
      const returned = Atomics.load(this.#cells, returnedIndex);
      if (((Atomics.load(this.#cells, spentIndex) - returned) | 0) < maxCredits) return;
      Atomics.wait(this.#cells, returnedIndex, returned, waitMs);
    }
  }

  /** Messages sent so far. */
  sent(): number {
    return Atomics.load(this.#cells, sentIndex);
  }
}
