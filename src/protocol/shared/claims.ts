// Memory that the main thread, one task Worker and the writer share: so that a task handed out early can be taken
// back, and so that a thread which is busy, and reads no messages, still knows how much it may send.
//
// Short tasks are assigned many at a time. When one of them turns out long, those behind it must not wait while
// another Worker is idle, and the busy thread cannot answer a message. So each batch has a cell that says how many
// of its tasks the Worker has taken and where the batch ends: the Worker takes from the front, main takes back from
// the end, and a compare-and-swap decides who was first.
//
// Layout, in Int32: [0] posts sent to the writer; [1] credits spent; [2] credits given back; [3 … 10] batch cells;
// from [11] the id that runs in each slot. The credits wrap around; only their difference counts.

const sentIndex = 0;
const spentIndex = 1;
const returnedIndex = 2;
const firstCell = 3;
/** How many batches a Worker may hold that it has not passed yet. */
export const maxBatches = 8;
const firstSlot = firstCell + maxBatches;

/** A cell holds the batch's number (12 bits), how many are taken (10), and the end (10). */
const sizeBits = 10;
const sizeMask = (1 << sizeBits) - 1;
const numberMask = (1 << 12) - 1;
export const maxBatchSize = sizeMask;

const pack = (batch: number, taken: number, end: number): number =>
  ((batch & numberMask) << (2 * sizeBits)) | (taken << sizeBits) | end;
const cellOf = (batch: number): number => firstCell + (batch % maxBatches);
const numberIn = (cell: number): number => (cell >>> (2 * sizeBits)) & numberMask;
const takenIn = (cell: number): number => (cell >>> sizeBits) & sizeMask;
const endIn = (cell: number): number => cell & sizeMask;

export class Claims {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;

  private constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  static create(slots: number): Claims {
    return new Claims(new SharedArrayBuffer((firstSlot + slots) * Int32Array.BYTES_PER_ELEMENT));
  }

  static from(buffer: SharedArrayBuffer): Claims {
    return new Claims(buffer);
  }

  /** Main, before the batch is posted. */
  open(batch: number, size: number): void {
    if (size > maxBatchSize) throw new RangeError(`Internal error: a batch of ${size} tasks`);
    Atomics.store(this.#cells, cellOf(batch), pack(batch, 0, size));
  }

  /** Worker: the index of the batch's next task, or -1 when there is none left. */
  claim(batch: number): number {
    const index = cellOf(batch);
    for (;;) {
      const cell = Atomics.load(this.#cells, index);
      const taken = takenIn(cell);
      if (numberIn(cell) !== (batch & numberMask) || taken === endIn(cell)) return -1;
      const next = pack(batch, taken + 1, endIn(cell));
      if (Atomics.compareExchange(this.#cells, index, cell, next) === cell) return taken;
    }
  }

  /** Main: takes back up to `most` tasks from the end; says how many it got. */
  takeBack(batch: number, most: number): number {
    const index = cellOf(batch);
    for (;;) {
      const cell = Atomics.load(this.#cells, index);
      if (numberIn(cell) !== (batch & numberMask)) return 0;
      const count = Math.min(most, endIn(cell) - takenIn(cell));
      if (count <= 0) return 0;
      const next = pack(batch, takenIn(cell), endIn(cell) - count);
      if (Atomics.compareExchange(this.#cells, index, cell, next) === cell) return count;
    }
  }

  /** Main: how many tasks of the batch nobody has taken yet. */
  unclaimed(batch: number): number {
    const cell = Atomics.load(this.#cells, cellOf(batch));
    return numberIn(cell) === (batch & numberMask) ? endIn(cell) - takenIn(cell) : 0;
  }

  /** Worker: this slot runs that task; 0 when it is idle. Read by main when the Worker is lost, and by the writer. */
  setRunning(slot: number, id: number): void {
    this.#cells[firstSlot + slot] = id;
  }

  /** No slot is idle. */
  isBusy(): boolean {
    for (let slot = firstSlot; slot < this.#cells.length; slot++) {
      if (this.#cells[slot] === 0) return false;
    }
    return true;
  }

  running(): number[] {
    return [...this.#cells.subarray(firstSlot)].filter((id) => id !== 0);
  }

  /** Worker, after each post to the writer. */
  countSent(credits: number): void {
    Atomics.add(this.#cells, spentIndex, credits);
    Atomics.add(this.#cells, sentIndex, 1);
  }

  /** Writer, when posts are committed. Wakes a Worker that waits for room. */
  giveBack(credits: number): void {
    Atomics.add(this.#cells, returnedIndex, credits);
    Atomics.notify(this.#cells, returnedIndex);
  }

  /** Credits in the writer's hands. */
  outstanding(): number {
    return (Atomics.load(this.#cells, spentIndex) - Atomics.load(this.#cells, returnedIndex)) | 0;
  }

  /** Worker: blocks the thread until fewer than `most` credits are outstanding. For code that cannot await. */
  waitForRoom(most: number): void {
    for (;;) {
      const returned = Atomics.load(this.#cells, returnedIndex);
      if (((Atomics.load(this.#cells, spentIndex) - returned) | 0) < most) return;
      Atomics.wait(this.#cells, returnedIndex, returned, 1000);
    }
  }

  sent(): number {
    return Atomics.load(this.#cells, sentIndex);
  }
}

/** What a Worker may have in the writer's hands before it waits. */
export const maxCredits = 64;
/** 2 M characters at most on their way, per Worker: more is memory, and the writer is never without work. */
const charsPerCredit = 32 * 1024;

/** What a post costs: one credit, and one more for each 32 Ki characters. */
export const creditsOf = (chars: number): number => 1 + Math.floor(chars / charsPerCredit);
