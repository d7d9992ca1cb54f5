// A unit: what one attempt has sent since its start or its last checkpoint. The worker keeps it as texts until the task is
// done or calls `checkpoint`. A unit of a failed attempt is dropped in the worker: the writer never receives it.

import { foldCase } from "../base/fold-case.ts";
import { grouped } from "../base/text.ts";
import { packItem } from "../protocol/codec/unit-item.ts";
import { SeenValues } from "./seen-values.ts";
import type { CreatedTable } from "./target-table.ts";

export type UnitLimits = { readonly rows: number; readonly chars: number };

/** The bound of one unit: a task below it needs no checkpoint, and a worker's memory stays bounded. */
const unitLimits: UnitLimits = { rows: 1_000_000, chars: 64 * 1024 * 1024 };
/** The bound of all units of one attempt, in units: those of checkpoints that are not awaited wait for the mutex. */
const unitsAtOnce = 2;

export class UnitTooLargeError extends Error {
  override readonly name = "UnitTooLargeError";
}

/** Rows and characters in all units of one attempt. */
export class UnitBudget {
  readonly limits: UnitLimits;
  rows = 0;
  chars = 0;

  constructor(limits: UnitLimits = unitLimits) {
    this.limits = limits;
  }

  /** @throws UnitTooLargeError above the bound; nothing changes then */
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

/** The items that one call sends, at their position in the unit. */
export class Entry {
  readonly texts: string[] = [];
  /** With `create: true`. */
  readonly created: CreatedTable | undefined;
  rows = 0;
  chars = 0;

  constructor(created?: CreatedTable) {
    this.created = created;
  }
}

/**
 * A table of `create: true`, before the first call that names it. All rows of the unit decide its types: they must not
 * depend on how an author spreads the rows over calls.
 */
class TableEntry {
  created: CreatedTable;
  readonly seen = new SeenValues();

  constructor(created: CreatedTable) {
    this.created = created;
  }

  add(created: CreatedTable, seen: SeenValues): void {
    // An insert names no key.
    if (this.created.key.length === 0) this.created = created;
    this.seen.merge(seen);
  }

  /** None where no call that named it has succeeded with a row. */
  get texts(): readonly string[] {
    const { columns } = this.seen;
    return columns.length === 0 ? [] : [packItem({ type: "table", ...this.created, columns })];
  }
}

export class Unit {
  readonly #budget: UnitBudget;
  /** In the order of the calls. A closed entry of one text is replaced by the text, to save memory. */
  #entries: (string | Entry | TableEntry)[] = [];
  /** By folded name; most units have none. */
  #tables: Map<string, TableEntry> | undefined;
  /** The JSON text of `ctx.state` by key; most units have none. Kept after `take`, until the unit is committed. */
  #state: Map<string, string> | undefined;
  #rows = 0;
  #chars = 0;

  constructor(budget: UnitBudget) {
    this.#budget = budget;
  }

  get isEmpty(): boolean {
    return this.#chars === 0;
  }

  /** Reserves the position of a call: async sources are read concurrently, but items keep the order of the calls. */
  open(created?: CreatedTable): Entry {
    if (created !== undefined) this.#tableOf(created);
    const entry = new Entry(created);
    this.#entries.push(entry);
    return entry;
  }

  #tableOf(created: CreatedTable): TableEntry {
    this.#tables ??= new Map();
    const name = foldCase(created.table);
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const table = new TableEntry(created);
    this.#tables.set(name, table);
    this.#entries.push(table);
    return table;
  }

  /**
   * @param text one item (protocol/codec/unit-item.ts)
   * @param rows number of rows in it; 1 for a message
   * @throws UnitTooLargeError above the bound; the unit stays as it was
   */
  add(entry: Entry, text: string, rows: number): void {
    const { limits } = this.#budget;
    if (text.length > limits.chars) throw tooLargeAlone(text.length, limits.chars);
    if (this.#rows + rows > limits.rows) throw tooManyRows(limits.rows);
    if (this.#chars + text.length > limits.chars) throw tooManyChars(limits.chars);
    this.#budget.add(rows, text.length);
    entry.texts.push(text);
    entry.rows += rows;
    entry.chars += text.length;
    this.#rows += rows;
    this.#chars += text.length;
  }

  /**
   * The call adds nothing more.
   * @param seen the values of its rows, with `create: true`
   */
  close(entry: Entry, seen?: SeenValues): void {
    if (entry.created !== undefined && seen !== undefined) {
      this.#tableOf(entry.created).add(entry.created, seen);
    }
    const last = this.#entries.length - 1;
    if (this.#entries[last] !== entry || entry.texts.length > 1) return;
    const [text] = entry.texts;
    if (text === undefined) this.#entries.pop();
    else this.#entries[last] = text;
  }

  /** The call has failed: removes its items. */
  drop(entry: Entry): void {
    this.#budget.remove(entry.rows, entry.chars);
    this.#rows -= entry.rows;
    this.#chars -= entry.chars;
    const index = this.#entries.lastIndexOf(entry);
    if (index !== -1) this.#entries.splice(index, 1);
  }

  setState(key: string, value: string): void {
    (this.#state ??= new Map()).set(key, value);
  }

  /** JSON text; undefined for a key that the unit does not set. */
  stateOf(key: string): string | undefined {
    return this.#state?.get(key);
  }

  /** Moves the items of another unit to the front of this one. The other is empty afterwards. */
  prepend(other: Unit): void {
    this.#entries = [...other.#entries, ...this.#entries];
    this.#prependTables(other);
    if (other.#state !== undefined)
      this.#state = new Map([...other.#state, ...(this.#state ?? [])]);
    this.#rows += other.#rows;
    this.#chars += other.#chars;
    other.#clear();
  }

  #prependTables(other: Unit): void {
    for (const [name, table] of other.#tables ?? []) {
      const own = this.#tables?.get(name);
      if (own !== undefined) {
        table.add(own.created, own.seen);
        this.#entries = this.#entries.filter((entry) => entry !== own);
      }
      (this.#tables ??= new Map()).set(name, table);
    }
  }

  #clear(): void {
    this.#entries = [];
    this.#tables = undefined;
    this.#rows = 0;
    this.#chars = 0;
  }

  /** The items in order. The unit is empty afterwards. */
  take(): string[] {
    const texts = this.#entries.flatMap((entry) =>
      typeof entry === "string" ? entry : entry.texts,
    );
    this.#budget.remove(this.#rows, this.#chars);
    this.#clear();
    return texts;
  }
}

const tooManyRows = (rows: number): UnitTooLargeError =>
  tooLarge(`${grouped(rows)} rows, messages and values of ctx.state`);

const megabytes = (chars: number): string => `${grouped(Math.round(chars / 2 ** 20))} MB`;

const tooManyChars = (chars: number): UnitTooLargeError =>
  tooLarge(`${megabytes(chars)} of rows, messages and values of ctx.state`);

/** Checkpoints would not help: batches of rows are much smaller, so it is one row, one message or one value. */
const tooLargeAlone = (chars: number, limit: number): UnitTooLargeError =>
  new UnitTooLargeError(
    `a row, a message or a value of ctx.state has ${megabytes(chars)}, and what is committed together may have ${megabytes(limit)} at most; store it in parts, or in a file whose path you store`,
  );

const tooLarge = (what: string): UnitTooLargeError =>
  new UnitTooLargeError(
    `more than ${what} are waiting to be committed; call \`await ctx.checkpoint(cursor)\` now and then: it commits what was sent so far, and a later attempt starts from the cursor`,
  );
