// Who runs an assigned task: the worker that claims it, or main, which takes it back for another worker.
//
// Short tasks are assigned in batches. When one of them turns out long, those behind it must not wait while another
// worker is idle, and the busy thread cannot answer a message. So each batch has a cell with the number of tasks that
// the worker has claimed and the end of the batch. The worker claims from the front, main takes back from the end, and
// a compare-and-swap decides who was first.

/** Batches that a worker may hold before it has exhausted the first of them. */
export const maxBatches = 8;
/** Cells that claims need, in Int32: batch number n uses cell n modulo `maxBatches`. */
export const claimCells = maxBatches;

/** A cell holds the batch's number (12 bits), how many tasks are claimed (10 bits), and the end (10 bits). */
const sizeBits = 10;
const sizeMask = (1 << sizeBits) - 1;
const numberMask = (1 << 12) - 1;
export const maxBatchSize = sizeMask;

const pack = (batch: number, claimed: number, end: number): number =>
  ((batch & numberMask) << (2 * sizeBits)) | (claimed << sizeBits) | end;
const cellOf = (batch: number): number => batch % maxBatches;
const numberIn = (cell: number): number => (cell >>> (2 * sizeBits)) & numberMask;
const claimedIn = (cell: number): number => (cell >>> sizeBits) & sizeMask;
const endIn = (cell: number): number => cell & sizeMask;

export class Claims {
  readonly #cells: Int32Array;

  constructor(cells: Int32Array) {
    this.#cells = cells;
  }

  /** Main: before the batch is sent. */
  open(batch: number, size: number): void {
    if (size > maxBatchSize) throw new RangeError(`Internal error: a batch of ${size} tasks`);
    Atomics.store(this.#cells, cellOf(batch), pack(batch, 0, size));
  }

  /** Worker: the index of the batch's next task, or -1 when the batch is exhausted. */
  claim(batch: number): number {
    const index = cellOf(batch);
    for (;;) {
      const cell = Atomics.load(this.#cells, index);
      const claimed = claimedIn(cell);
      if (numberIn(cell) !== (batch & numberMask) || claimed === endIn(cell)) return -1;
      const next = pack(batch, claimed + 1, endIn(cell));
      if (Atomics.compareExchange(this.#cells, index, cell, next) === cell) return claimed;
    }
  }

  /** Main: takes back up to `most` tasks from the end, and returns how many it got. */
  takeBack(batch: number, most: number): number {
    const index = cellOf(batch);
    for (;;) {
      const cell = Atomics.load(this.#cells, index);
      if (numberIn(cell) !== (batch & numberMask)) return 0;
      const count = Math.min(most, endIn(cell) - claimedIn(cell));
      if (count <= 0) return 0;
      const next = pack(batch, claimedIn(cell), endIn(cell) - count);
      if (Atomics.compareExchange(this.#cells, index, cell, next) === cell) return count;
    }
  }

  /** Main: how many tasks of the batch the worker has not claimed yet. */
  unclaimed(batch: number): number {
    const cell = Atomics.load(this.#cells, cellOf(batch));
    return numberIn(cell) === (batch & numberMask) ? endIn(cell) - claimedIn(cell) : 0;
  }
}
