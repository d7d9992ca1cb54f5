// The tasks that are handed out and not committed, by id. A Map would do, but for what it costs: where 8,000 keys come and
// go, it is laid anew after every few thousand, and that was a tenth of the main thread's time, with its garbage.
// Open addressing with linear probing, and multiplication by the golden ratio to spread the ids (Knuth, The Art of
// Computer Programming 3, section 6.4): handed out in order, they would else stand in one long row, and taking one out
// looks at all that stand behind it.

import type { TaskId } from "../protocol/ids.ts";
import type { TaskVertex } from "../plan/vertex.ts";

const leastBits = 6;
/** 2^32 by the golden ratio. */
const spread = 0x9e3779b1;

export class InFlight implements Iterable<TaskVertex> {
  /** 2^bits, and at least twice as many as there are tasks. */
  #places: (TaskVertex | undefined)[] = places(leastBits);
  #bits = leastBits;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: TaskId): TaskVertex | undefined {
    return this.#places[this.#find(id)];
  }

  /** @param vertex has an id, and no other vertex has it */
  add(vertex: TaskVertex): void {
    if (2 * (this.#size + 1) > this.#places.length) this.#grow();
    this.#places[this.#find(vertex.id)] = vertex;
    this.#size++;
  }

  delete(id: TaskId): void {
    let hole = this.#find(id);
    if (this.#places[hole] === undefined) return;
    this.#size--;
    const mask = this.#places.length - 1;
    // Whoever stands behind the hole and did not find its own place free moves up, or it would not be found any more.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const vertex = this.#places[at];
      if (vertex === undefined) break;
      const fromHome = (at - this.#home(vertex.id)) & mask;
      if (fromHome < ((at - hole) & mask)) continue;
      this.#places[hole] = vertex;
      hole = at;
    }
    this.#places[hole] = undefined;
  }

  /** As they are now: what is taken out on the way is still gone through. */
  [Symbol.iterator](): Iterator<TaskVertex> {
    return this.#places.filter((vertex) => vertex !== undefined).values();
  }

  #home(id: number): number {
    return Math.imul(id, spread) >>> (32 - this.#bits);
  }

  /** Where it stands, or where it would. */
  #find(id: number): number {
    const mask = this.#places.length - 1;
    let at = this.#home(id);
    for (let there = this.#places[at]; there !== undefined; there = this.#places[at]) {
      if (there.id === id) return at;
      at = (at + 1) & mask;
    }
    return at;
  }

  #grow(): void {
    const before = this.#places;
    this.#places = places(++this.#bits);
    for (const vertex of before) {
      if (vertex !== undefined) this.#places[this.#find(vertex.id)] = vertex;
    }
  }
}

const places = (bits: number): undefined[] => Array.from({ length: 2 ** bits }, () => undefined);
