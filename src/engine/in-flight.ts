// The tasks that are dispatched and not committed, by id. Open-addressing hash table with linear probing and Fibonacci
// hashing (Knuth, The Art of Computer Programming 3, section 6.4): ids are dispatched in order and would otherwise form one
// long run. A Map rehashes every few thousand inserts under this churn: 10 % of the main thread's time, and its garbage.

import type { TaskId } from "../protocol/ids.ts";
import type { TaskVertex } from "../plan/vertex.ts";

const leastBits = 6;
/** 2^32 divided by the golden ratio. */
const spread = 0x9e3779b1;

export class InFlight implements Iterable<TaskVertex> {
  /** 2^bits of them, and at least twice as many as tasks. */
  #places: (TaskVertex | undefined)[] = places(leastBits);
  #bits = leastBits;
  #size = 0;
  #chars = 0;

  get size(): number {
    return this.#size;
  }

  /** Characters of the tasks' inputs, added up. */
  get chars(): number {
    return this.#chars;
  }

  get(id: TaskId): TaskVertex | undefined {
    return this.#places[this.#find(id)];
  }

  /** @param vertex has an id that no other vertex in the table has; its input text stays as it is while it is in flight */
  add(vertex: TaskVertex): void {
    if (2 * (this.#size + 1) > this.#places.length) this.#grow();
    this.#places[this.#find(vertex.id)] = vertex;
    this.#size++;
    this.#chars += vertex.inputText.length;
  }

  delete(id: TaskId): void {
    let hole = this.#find(id);
    const deleted = this.#places[hole];
    if (deleted === undefined) return;
    this.#size--;
    this.#chars -= deleted.inputText.length;
    const mask = this.#places.length - 1;
    // Move up each following vertex that is not in its home place: a hole before it would hide it.
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

  /** Iterates over a copy: a vertex that is deleted meanwhile is still visited. */
  [Symbol.iterator](): Iterator<TaskVertex> {
    return this.#places.filter((vertex) => vertex !== undefined).values();
  }

  #home(id: number): number {
    return Math.imul(id, spread) >>> (32 - this.#bits);
  }

  /** The index of the vertex with this id, or of the empty place where it belongs. */
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
