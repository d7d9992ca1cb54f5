// Where in a plan a task is called, as a number: the same in each session that has the same plan and the same lists, whatever
// runs first. It tells equal calls apart. Keys have the definition and the input, so a position need not.
//
// The calls of each definition are counted, in the order in which the author's code makes them: those outside of fan-outs,
// and those of each item of a fan-out. So a call of another definition that is written above moves nothing.

import type { AnyNode } from "../api/node.ts";

export class Positions {
  readonly #outside = new Calls();
  readonly #inItem = new Calls();
  /** The position of the fan-out whose item is unfolded now; 0 outside of items. */
  #fanOut = 0;
  #index = 0;
  /** The position of each call in the first item of a list that is known. */
  readonly #ranges: number[] = [];
  #sorted = 0;

  /** To be called once for each node, when it is created. */
  next(node: AnyNode): number {
    const definition = node.kind === "task" ? node.definition : undefined;
    if (this.#fanOut === 0) return 1 + this.#outside.next(definition);
    const range = rangeOf(this.#fanOut, this.#inItem.next(definition));
    if (this.#index === 0) this.#ranges.push(range);
    return range + this.#index;
  }

  /** Whether a call at this position would be in an item of a list that is known; it may have had more items. */
  isOfKnownList(position: number): boolean {
    const ranges = this.#ranges;
    if (this.#sorted < ranges.length) {
      ranges.sort((a, b) => a - b);
      this.#sorted = ranges.length;
    }
    const range = ranges[lastAtMost(ranges, position)];
    return range !== undefined && position - range < maxItems;
  }

  /** The nodes that are created now are those of an item. */
  enter(fanOut: number, index: number): void {
    this.#fanOut = fanOut;
    this.#index = index;
  }

  leave(): void {
    this.#fanOut = 0;
    this.#inItem.clear();
  }
}

/** How often each definition was called, and `each` (undefined). */
class Calls {
  /** Most calls are of the definition of the call before: its calls are counted here. */
  #last: unknown = none;
  #count = 0;
  /** Of all definitions, as of the last call of another one. They are few: a search costs less than a Map. */
  #definitions: unknown[] = [];
  #counts: number[] = [];

  next(definition: unknown): number {
    if (definition !== this.#last) this.#change(definition);
    return this.#count++;
  }

  #change(definition: unknown): void {
    if (this.#last !== none) this.#counts[this.#definitions.indexOf(this.#last)] = this.#count;
    const at = this.#definitions.indexOf(definition);
    if (at === -1) {
      this.#definitions.push(definition);
      this.#counts.push(0);
    }
    this.#last = definition;
    this.#count = this.#counts[at] ?? 0;
  }

  clear(): void {
    if (this.#last === none) return;
    this.#last = none;
    this.#definitions.length = 0;
    this.#counts.length = 0;
  }
}

/** False for those outside of fan-outs. Of those of items, one in 16,000 looks like them. */
export const isInItem = (position: number): boolean => position >= 2 ** 32;

/** A longer list counts as not known: the ranges of many lists would not be told apart. */
const maxItems = 2 ** 21;

/** The index of the last of these sorted numbers that is not greater; -1: none. */
function lastAtMost(sorted: readonly number[], most: number): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] ?? 0) > most) to = middle;
    else from = middle + 1;
  }
  return from - 1;
}

/** No call yet. */
const none = {};

/** 46 bits: ranges of a million fan-outs hardly ever overlap, and SQLite stores 6 bytes. */
const highBits = 14;

/** The position of a call in the first item of a fan-out; those of the next items follow. A hash, because lists have any length. */
function rangeOf(fanOut: number, call: number): number {
  const low = mix(fanOut ^ Math.imul(call + 1, 0x9e3779b1), Math.floor(fanOut / 2 ** 32));
  const high = mix(low, fanOut) >>> (32 - highBits);
  return high * 2 ** 32 + (low >>> 0);
}

/** The finalizer of MurmurHash3, with a second word. */
function mix(a: number, b: number): number {
  let hash = Math.imul((a ^ (a >>> 16)) + 0x7f4a7c15, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ b, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 15);
}
