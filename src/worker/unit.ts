// What one attempt has sent since its start or its last checkpoint: kept in the Worker, as text, until the task is
// done or says `checkpoint`. A failed attempt throws it away, and the writer never hears of it.

export type UnitLimits = { readonly rows: number; readonly chars: number };

/** A task that stays below these needs no checkpoint; above, one text a Worker holds would grow without end. */
export const unitLimits: UnitLimits = { rows: 1_000_000, chars: 64 * 1024 * 1024 };

export class UnitTooLargeError extends Error {
  override readonly name = "UnitTooLargeError";
}

const grouped = (value: number): string => value.toLocaleString("en-US");

export class Unit {
  readonly #limits: UnitLimits;
  #texts: string[] = [];
  #rows = 0;
  #chars = 0;

  constructor(limits: UnitLimits = unitLimits) {
    this.#limits = limits;
  }

  /** Rows and messages so far. */
  get rows(): number {
    return this.#rows;
  }
  /** Characters of text so far; a byte each, or two where there is text beyond Latin-1. */
  get chars(): number {
    return this.#chars;
  }
  get isEmpty(): boolean {
    return this.#texts.length === 0;
  }

  /**
   * @param text one `rows` or `emit` part (protocol/unit-part.ts)
   * @param rows how many rows it holds; 1 for a message
   * @throws UnitTooLargeError past the bound; the unit stays as it was
   */
  add(text: string, rows: number): void {
    if (this.#rows + rows > this.#limits.rows) {
      throw tooLarge(`${grouped(this.#limits.rows)} rows and messages`);
    }
    if (this.#chars + text.length > this.#limits.chars) {
      throw tooLarge(`${grouped(Math.round(this.#limits.chars / 2 ** 20))} MB of rows`);
    }
    this.#texts.push(text);
    this.#rows += rows;
    this.#chars += text.length;
  }

  /** The parts in order; the unit is empty afterwards. */
  take(): string[] {
    const texts = this.#texts;
    this.clear();
    return texts;
  }

  clear(): void {
    this.#texts = [];
    this.#rows = 0;
    this.#chars = 0;
  }
}

const tooLarge = (what: string): UnitTooLargeError =>
  new UnitTooLargeError(
    `more than ${what} are waiting to be committed; call \`await ctx.checkpoint(cursor)\` now and then: it commits what was sent so far, and a later attempt starts from the cursor`,
  );
