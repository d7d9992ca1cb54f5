// Bounds lines that say the same of many tasks: a few of a kind are shown, the others are counted.

import { withoutNumbers } from "../base/text.ts";

/** Lines of one kind that are shown. */
const maxShown = 3;
/** Kinds that are told apart. Lines of further kinds are shown. */
const maxKinds = 1000;

export class RepeatedLines {
  /** How many lines there were of each kind, and the first of them. */
  readonly #kinds = new Map<string, { readonly first: string; count: number }>();

  /** Whether the line is to be shown. */
  add(text: string): boolean {
    const key = withoutNumbers(text);
    const kind = this.#kinds.get(key);
    if (kind !== undefined) return ++kind.count <= maxShown;
    if (this.#kinds.size < maxKinds) this.#kinds.set(key, { first: text, count: 1 });
    return true;
  }

  /** Of the lines that were not shown: the first of each kind and how many more there were. Then begins again. */
  takeHidden(): { readonly first: string; readonly count: number }[] {
    const hidden = [...this.#kinds.values()]
      .filter(({ count }) => count > maxShown)
      .map(({ first, count }) => ({ first, count: count - maxShown }));
    this.#kinds.clear();
    return hidden;
  }
}
