// A table by ids for keys that come and go all the time. Open addressing with linear probing and Fibonacci hashing (Knuth, The Art
// of Computer Programming 3, section 6.4): ids are given in order and would otherwise form one long run. A Map keeps the places of
// deleted keys, and is built again every few thousand inserts: a tenth of a thread's time, and its garbage.

const leastBits = 6;
/** 2^32 divided by the golden ratio. */
const spread = 0x9e3779b1;
/** Of a place that is empty. Ids are not negative. */
const none = -1;

export class IdTable<Id extends number, Value extends object> {
  /** 2^bits of them, and at least twice as many as ids. */
  #ids: number[] = filled(leastBits, none);
  #values: (Value | undefined)[] = filled(leastBits, undefined);
  #bits = leastBits;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: Id): Value | undefined {
    return this.#values[this.#find(id)];
  }

  set(id: Id, value: Value): void {
    let at = this.#find(id);
    if (this.#ids[at] === none) {
      if (2 * ++this.#size > this.#ids.length) {
        this.#grow();
        at = this.#find(id);
      }
      this.#ids[at] = id;
    }
    this.#values[at] = value;
  }

  /** @returns the value that it had */
  delete(id: Id): Value | undefined {
    let hole = this.#find(id);
    const deleted = this.#values[hole];
    if (deleted === undefined) return undefined;
    this.#size--;
    const [ids, values] = [this.#ids, this.#values];
    const mask = ids.length - 1;
    // Move up each following id that is not in its home place: a hole before it would hide it.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const next = ids[at] ?? none;
      if (next === none) break;
      const fromHome = (at - this.#home(next)) & mask;
      if (fromHome < ((at - hole) & mask)) continue;
      ids[hole] = next;
      values[hole] = values[at];
      hole = at;
    }
    ids[hole] = none;
    values[hole] = undefined;
    return deleted;
  }

  /** In no order. */
  get ids(): Id[] {
    return this.#ids.filter((id) => id !== none) as Id[];
  }

  /** In no order. */
  get values(): Value[] {
    return this.#values.filter((value) => value !== undefined);
  }

  #home(id: number): number {
    return Math.imul(id, spread) >>> (32 - this.#bits);
  }

  /** The place of this id, or the empty one where it belongs. */
  #find(id: number): number {
    const ids = this.#ids;
    const mask = ids.length - 1;
    let at = this.#home(id);
    for (let there = ids[at]; there !== id && there !== none; there = ids[at]) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const [ids, values] = [this.#ids, this.#values];
    this.#bits++;
    this.#ids = filled(this.#bits, none);
    this.#values = filled(this.#bits, undefined);
    for (const [before, id] of ids.entries()) {
      if (id === none) continue;
      const at = this.#find(id);
      this.#ids[at] = id;
      this.#values[at] = values[before];
    }
  }
}

const filled = <Each>(bits: number, each: Each): Each[] =>
  Array.from({ length: 2 ** bits }, () => each);
