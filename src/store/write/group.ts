// What the open transaction consists of, as it arrived. If the commit fails, it is applied again, one unit at a time.

import type { MainRecord } from "../../protocol/writer-records.ts";

type Taken<From> =
  | { readonly type: "main"; readonly records: readonly MainRecord[] }
  /** A message of records, or of completions. */
  | { readonly type: "records"; readonly from: From; readonly text: string }
  /** An item of a unit. The next records from the same worker end the unit. */
  | { readonly type: "item"; readonly from: From; readonly text: string }
  /** In place of all items of a large unit that is alone in its group: a failure is that unit's. */
  | { readonly type: "dropped items"; readonly from: From };

/**
 * Bounds the memory for applying a group again, in characters of unit items: as much as one worker may have on its way.
 * A group beyond it takes no further unit, and does not keep the items of its only unit.
 */
const maxChars = 2 * 1024 * 1024;

export class Group<From> {
  #taken: Taken<From>[] = [];
  /** Of unit items. */
  #chars = 0;
  #endedUnits = 0;
  /** Index of the open unit's first item. */
  #unitStart: number | undefined;
  #hasDropped = false;

  get isFull(): boolean {
    return this.#chars > maxChars;
  }

  get endedUnits(): number {
    return this.#endedUnits;
  }

  /** Goes before the open unit: what main reports of a task happened before a worker started the task. */
  addMain(records: readonly MainRecord[]): void {
    const taken = { type: "main", records } as const;
    if (this.#unitStart === undefined) this.#taken.push(taken);
    else this.#taken.splice(this.#unitStart++, 0, taken);
  }

  addRecords(from: From, text: string): void {
    this.#taken.push({ type: "records", from, text });
  }

  addItem(from: From, text: string): void {
    this.#unitStart ??= this.#taken.length;
    this.#chars += text.length;
    if (this.#hasDropped) return;
    if (this.#endedUnits === 0 && this.isFull) this.#dropItems(from, this.#unitStart);
    else this.#taken.push({ type: "item", from, text });
  }

  #dropItems(from: From, start: number): void {
    this.#hasDropped = true;
    this.#taken.splice(start, this.#taken.length, { type: "dropped items", from });
  }

  /** To be called before the records that end the unit are added. */
  endUnit(): void {
    this.#endedUnits++;
    this.#unitStart = undefined;
  }

  /** Forgets the open unit: its worker is gone. */
  abandonUnit(): void {
    if (this.#unitStart !== undefined) this.#taken.splice(this.#unitStart);
    this.#unitStart = undefined;
    this.#hasDropped = false;
  }

  /** All of it, in the order of arrival. The group is empty afterwards. */
  take(): readonly Taken<From>[] {
    const taken = this.#taken;
    this.#taken = [];
    this.#chars = 0;
    this.#endedUnits = 0;
    this.#unitStart = undefined;
    this.#hasDropped = false;
    return taken;
  }
}
