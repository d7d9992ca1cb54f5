// What one attempt has sent since its start or its last checkpoint: kept in the Worker, as text, until the task is
// done or says `checkpoint`. A failed attempt throws it away, and the writer never hears of it.

export type UnitLimits = { readonly rows: number; readonly chars: number };

/** A task that stays below these needs no checkpoint; above, one text a Worker holds would grow without end. */
export const unitLimits: UnitLimits = { rows: 1_000_000, chars: 64 * 1024 * 1024 };
/** What the units of one attempt may hold together, while checkpoints that nobody awaits wait for their turn. */
const unitsAtOnce = 2;

export class UnitTooLargeError extends Error {
  override readonly name = "UnitTooLargeError";
}

const grouped = (value: number): string => value.toLocaleString("en-US");

/** What all units of one attempt hold together. */
export class Held {
  readonly limits: UnitLimits;
  rows = 0;
  chars = 0;

  constructor(limits: UnitLimits = unitLimits) {
    this.limits = limits;
  }

  /** @throws UnitTooLargeError past the bound; nothing has changed then */
  add(rows: number, chars: number): void {
    const { limits } = this;
    if (this.rows + rows > limits.rows * unitsAtOnce) throw tooManyRows(limits.rows * unitsAtOnce);
    if (this.chars + chars > limits.chars * unitsAtOnce) {
      throw tooManyChars(limits.chars * unitsAtOnce);
    }
    this.rows += rows;
    this.chars += chars;
  }

  remove(rows: number, chars: number): void {
    this.rows -= rows;
    this.chars -= chars;
  }
}

/** The place in a unit of what one call sends. */
export class Entry {
  readonly texts: string[] = [];
  rows = 0;
  chars = 0;
}

export class Unit {
  readonly #held: Held;
  /** In the order of the calls. What is one text only needs no object around it. */
  #entries: (string | Entry)[] = [];
  #rows = 0;
  #chars = 0;

  constructor(held: Held) {
    this.#held = held;
  }

  get isEmpty(): boolean {
    return this.#chars === 0;
  }

  /** Keeps a place for what a call sends: sources of rows are read side by side, and the order is that of the calls. */
  open(): Entry {
    const entry = new Entry();
    this.#entries.push(entry);
    return entry;
  }

  /**
   * @param text one `rows` or `emit` part (protocol/unit-part.ts)
   * @param rows how many rows it holds; 1 for a message
   * @throws UnitTooLargeError past the bound; the unit stays as it was
   */
  add(entry: Entry, text: string, rows: number): void {
    const { limits } = this.#held;
    if (this.#rows + rows > limits.rows) throw tooManyRows(limits.rows);
    if (this.#chars + text.length > limits.chars) throw tooManyChars(limits.chars);
    this.#held.add(rows, text.length);
    entry.texts.push(text);
    entry.rows += rows;
    entry.chars += text.length;
    this.#rows += rows;
    this.#chars += text.length;
  }

  /** The call has sent all of it. */
  close(entry: Entry): void {
    const last = this.#entries.length - 1;
    if (this.#entries[last] !== entry || entry.texts.length > 1) return;
    const [text] = entry.texts;
    if (text === undefined) this.#entries.pop();
    else this.#entries[last] = text;
  }

  /** The call has failed: nothing of it stays. */
  drop(entry: Entry): void {
    this.#held.remove(entry.rows, entry.chars);
    this.#rows -= entry.rows;
    this.#chars -= entry.chars;
    const index = this.#entries.lastIndexOf(entry);
    if (index !== -1) this.#entries.splice(index, 1);
  }

  /** What another unit holds comes before what this one holds; the other is empty afterwards. */
  prepend(other: Unit): void {
    this.#entries = [...other.#entries, ...this.#entries];
    this.#rows += other.#rows;
    this.#chars += other.#chars;
    other.#entries = [];
    other.#rows = 0;
    other.#chars = 0;
  }

  /** The parts in order; the unit is empty afterwards. */
  take(): string[] {
    const texts = this.#entries.flatMap((entry) =>
      typeof entry === "string" ? entry : entry.texts,
    );
    this.#held.remove(this.#rows, this.#chars);
    this.#entries = [];
    this.#rows = 0;
    this.#chars = 0;
    return texts;
  }
}

const tooManyRows = (rows: number): UnitTooLargeError =>
  tooLarge(`${grouped(rows)} rows and messages`);

const tooManyChars = (chars: number): UnitTooLargeError =>
  tooLarge(`${grouped(Math.round(chars / 2 ** 20))} MB of rows`);

const tooLarge = (what: string): UnitTooLargeError =>
  new UnitTooLargeError(
    `more than ${what} are waiting to be committed; call \`await ctx.checkpoint(cursor)\` now and then: it commits what was sent so far, and a later attempt starts from the cursor`,
  );
