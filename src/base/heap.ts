/** A binary heap. */
export class Heap<T> implements Iterable<T> {
  readonly #isBefore: (a: T, b: T) => boolean;
  readonly #items: T[] = [];

  /** @param isBefore a strict weak order; equal items are popped in any order */
  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The first item, without removing it. */
  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#itemAt(above);
      if (!this.#isBefore(item, parent)) break;
      items[at] = parent;
      at = above;
    }
    items[at] = item;
  }

  /** Removes the first item. */
  pop(): T | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (last !== undefined && this.#items.length > 0) this.#sink(last);
    return first;
  }

  /** Puts `item` in place of the first and moves it down. */
  #sink(item: T): void {
    const items = this.#items;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < items.length && this.#isBefore(this.#itemAt(right), this.#itemAt(child))) {
        child = right;
      }
      const below = this.#itemAt(child);
      if (!this.#isBefore(below, item)) break;
      items[at] = below;
      at = child;
    }
    items[at] = item;
  }

  /** In any order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items.values();
  }

  #itemAt(index: number): T {
    const item = this.#items[index];
    if (item === undefined) throw new Error(`Internal error: a heap has no item ${index}`);
    return item;
  }
}
