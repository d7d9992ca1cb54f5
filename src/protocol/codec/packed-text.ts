// What the packed texts of assignments and completions share. JSON.parse is slow at short strings, and objects repeat
// their keys: so repeated strings are stored once, numbers are one flat list, and the strings that differ follow the
// JSON, each after a separator. A text is joined once and never concatenated: each copy of a long text is new memory.

import type { WantsResult } from "../wants-result.ts";

/** Precedes each string: keys, inputs and results are JSON text or hashes and never contain it. JSON neither. */
export const separator = "\u001f";

/** Gives each distinct string an index. */
export class StringTable {
  readonly list: string[] = [];
  readonly #indexes = new Map<string, number>();
  #last = "";
  #lastIndex = -1;

  indexOf(text: string): number {
    // Most strings equal the previous one.
    if (this.#lastIndex >= 0 && text === this.#last) return this.#lastIndex;
    let index = this.#indexes.get(text);
    if (index === undefined) {
      index = this.list.length;
      this.list.push(text);
      this.#indexes.set(text, index);
    }
    this.#last = text;
    this.#lastIndex = index;
    return index;
  }
}

export const numberAt = (numbers: readonly number[], index: number): number =>
  numbers[index] ?? truncated();

const wantsResultNames: readonly WantsResult[] = ["no", "perhaps", "yes"];

export const wantsResultCode = (wants: WantsResult): number =>
  wants === "no" ? 0 : wants === "perhaps" ? 1 : 2;

export const wantsResultAt = (numbers: readonly number[], index: number): WantsResult =>
  wantsResultOf(numberAt(numbers, index));

export const wantsResultOf = (code: number): WantsResult => wantsResultNames[code] ?? truncated();

export function truncated(): never {
  throw new Error("Internal error: a packed text of assignments or completions is truncated");
}
