// Tasks that earlier sessions have done, by key, as they came from the writer: texts of many keys and results, and no object
// or string for each task. A million tasks take 60 MB.
//
// Open-addressing hash table with linear probing. A slot has the first task of its key that was not taken; tasks of one key
// form a list, in the order of their ids.

import { JSON } from "../base/globals.ts";
import { positionOf, taskId, type TaskId, unknownPosition } from "../protocol/ids.ts";
import type { DonePage } from "../protocol/messages.ts";
import { separator } from "../protocol/codec/packed-text.ts";
import { staysInFile } from "../protocol/wants-result.ts";

/** A task's number: its page and its row there. */
const rowBits = 13;
const maxRows = 2 ** rowBits;
const none = -1;
const leastSlots = 1024;

/** A slot of the table: empty, or the task's number + 1, or that negated where all tasks of the key were taken. */
const empty = 0;

export type DoneTask = {
  readonly id: TaskId;
  /** Or `unknownPosition`. */
  readonly position: number;
  /** JSON text; undefined where it stays in the file. */
  readonly result: string | undefined;
};

export class DoneTasks {
  #pages: Page[] = [];
  #slots = new Int32Array(leastSlots);
  /** By slot: the number of the key's last task. */
  #lasts = new Int32Array(leastSlots);
  /** By slot: the key's hash. Keys are compared only where it is the same. */
  #hashes = new Int32Array(leastSlots);
  #keys = 0;
  /** Tasks that were not taken. */
  size = 0;
  /** Keys of tasks whose results differ. */
  readonly differing = new Set<string>();
  /** Of keys of several tasks, once one was looked for that is not the first: the task at each position. */
  readonly #positions = new Map<string, ReadonlyMap<number, number>>();

  /** To be called in the order of the ids. Returns the last id. */
  add(page: DonePage): TaskId {
    const added = new Page(page);
    const number = this.#pages.push(added) - 1;
    for (let row = 0; row < added.rows; row++) this.#insert(number * maxRows + row);
    this.size += added.rows;
    return added.idAt(added.rows - 1);
  }

  #insert(task: number): void {
    if (2 * (this.#keys + 1) > this.#slots.length) this.#grow();
    const page = this.#pageOf(task);
    const row = task % maxRows;
    const [start, end] = [page.keyStart(row), page.keyEnd(row)];
    const hash = hashOf(page.keys, start, end);
    const slot = this.#find(hash, page.keys, start, end);
    const there = this.#slot(slot);
    if (this.#first(slot) !== none) {
      const last = this.#last(slot);
      if (!this.#haveSameResult(last, task)) this.differing.add(page.keys.slice(start, end));
      this.#setNext(last, task);
    } else this.#slots[slot] = task + 1;
    if (there === empty) this.#keys++;
    this.#lasts[slot] = task;
    this.#hashes[slot] = hash;
  }

  #haveSameResult(a: number, b: number): boolean {
    return this.#pageOf(a).resultAt(a % maxRows) === this.#pageOf(b).resultAt(b % maxRows);
  }

  /** The tasks of this key that were not taken, in the order of their ids. One that was yielded may be taken before the next. */
  *leftOf(key: string): Generator<DoneTask> {
    let task = this.#first(this.#findKey(key));
    for (; task !== none; task = this.size === 0 ? none : this.#after(task))
      yield this.#doneAt(task);
  }

  #doneAt(task: number): DoneTask {
    const page = this.#pageOf(task);
    const row = task % maxRows;
    return { id: page.idAt(row), position: page.positionAt(row), result: page.resultAt(row) };
  }

  /** The task that `take` would return. */
  peek(key: string): Pick<DoneTask, "id" | "position"> | undefined {
    const task = this.#first(this.#findKey(key));
    if (task === none) return undefined;
    const page = this.#pageOf(task);
    return { id: page.idAt(task % maxRows), position: page.positionAt(task % maxRows) };
  }

  /** The task of this key that was not taken and is called at this position of the plan. */
  at(key: string, position: number): DoneTask | undefined {
    const first = this.#first(this.#findKey(key));
    if (first === none) return undefined;
    if (this.#positionOf(first) === position) return this.#doneAt(first);
    const task =
      (this.#positions.get(key) ?? this.#findPositions(key, first)).get(position) ?? none;
    return task === none || this.#isTaken(task) ? undefined : this.#doneAt(task);
  }

  /** A key may have a million tasks. */
  #findPositions(key: string, first: number): ReadonlyMap<number, number> {
    const positions = new Map<number, number>();
    for (let task = first; task !== none; task = this.#after(task)) {
      const position = this.#positionOf(task);
      if (position !== unknownPosition && !positions.has(position)) positions.set(position, task);
    }
    this.#positions.set(key, positions);
    return positions;
  }

  /** The next task of this key, in the order of their ids. */
  take(key: string): DoneTask | undefined {
    const task = this.#first(this.#findKey(key));
    return task === none ? undefined : this.#take(task);
  }

  /** @param id of a task of this key that was not taken */
  takeThis(key: string, { id, position }: Pick<DoneTask, "id" | "position">): DoneTask {
    const at = this.#positions.get(key)?.get(position) ?? none;
    if (at !== none && !this.#isTaken(at) && this.#doneAt(at).id === id) return this.#take(at);
    let task = this.#first(this.#findKey(key));
    while (task !== none && this.#pageOf(task).idAt(task % maxRows) !== id)
      task = this.#after(task);
    if (task === none) throw new Error(`Internal error: no task ${id} of its key is left`);
    return this.#take(task);
  }

  #take(task: number): DoneTask {
    const done = this.#doneAt(task);
    this.#pageOf(task).take(task % maxRows);
    this.size--;
    if (this.size === 0) this.#clear();
    return done;
  }

  /** The key's first task that was not taken. Those before it need not be looked at again. */
  #first(slot: number): number {
    const there = this.#slot(slot);
    if (there <= empty) return none;
    let task = there - 1;
    if (this.#isTaken(task)) task = this.#after(task);
    this.#slots[slot] = task === none ? -there : task + 1;
    return task;
  }

  /** The next task of the key that was not taken. */
  #after(task: number): number {
    let next = this.#pageOf(task).nextAt(task % maxRows);
    while (next !== none && this.#isTaken(next)) next = this.#pageOf(next).nextAt(next % maxRows);
    return next;
  }

  #isTaken(task: number): boolean {
    return this.#pageOf(task).isTakenAt(task % maxRows);
  }

  #positionOf(task: number): number {
    return this.#pageOf(task).positionAt(task % maxRows);
  }

  #clear(): void {
    this.#pages = [];
    this.#slots = new Int32Array(leastSlots);
    this.#lasts = new Int32Array(leastSlots);
    this.#hashes = new Int32Array(leastSlots);
    this.#keys = 0;
    this.#positions.clear();
  }

  /** Keys of the tasks that were not taken, in the order of their ids. */
  *left(): Generator<string> {
    for (const page of this.#pages) yield* page.left();
  }

  #findKey(key: string): number {
    return this.#find(hashOf(key, 0, key.length), key, 0, key.length);
  }

  /** The slot of the key, or the empty one where it belongs. */
  #find(hash: number, text: string, start: number, end: number): number {
    const hashes = this.#hashes;
    const mask = hashes.length - 1;
    let slot = hash & mask;
    for (let there = this.#slot(slot); there !== empty; there = this.#slot(slot)) {
      if (hashes[slot] === hash) {
        const task = Math.abs(there) - 1;
        if (this.#pageOf(task).hasKey(task % maxRows, text, start, end)) return slot;
      }
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const [slots, lasts, hashes] = [this.#slots, this.#lasts, this.#hashes];
    const length = 2 * slots.length;
    this.#slots = new Int32Array(length);
    this.#lasts = new Int32Array(length);
    this.#hashes = new Int32Array(length);
    for (let i = 0; i < slots.length; i++) {
      const there = slots[i] ?? empty;
      if (there === empty) continue;
      const hash = hashes[i] ?? 0;
      // The keys differ: no need to compare them.
      let slot = hash & (length - 1);
      while (this.#slots[slot] !== empty) slot = (slot + 1) & (length - 1);
      this.#slots[slot] = there;
      this.#lasts[slot] = lasts[i] ?? none;
      this.#hashes[slot] = hash;
    }
  }

  #slot(index: number): number {
    return this.#slots[index] ?? empty;
  }

  #last(slot: number): number {
    return this.#lasts[slot] ?? none;
  }

  #setNext(task: number, next: number): void {
    this.#pageOf(task).setNext(task % maxRows, next);
  }

  #pageOf(task: number): Page {
    const page = this.#pages[Math.floor(task / maxRows)];
    if (page === undefined) throw new Error(`Internal error: no page has the done task ${task}`);
    return page;
  }
}

class Page {
  readonly rows: number;
  readonly keys: string;
  readonly #keyEnds: Int32Array;
  readonly #ids: Float64Array;
  readonly #results: string | null;
  readonly #resultEnds: Int32Array;
  /** As in the file; undefined where each is the id. */
  readonly #positions: Float64Array | undefined;
  readonly #next: Int32Array;
  readonly #isTaken: Uint8Array;

  constructor({ ids, keys, results, positions }: DonePage) {
    this.#ids = new Float64Array(JSON.parse(`[${ids}]`) as number[]);
    this.rows = this.#ids.length;
    if (this.rows > maxRows) throw new RangeError(`Internal error: a page of ${this.rows} tasks`);
    this.keys = keys;
    this.#keyEnds = endsIn(keys, this.rows);
    this.#results = results;
    this.#resultEnds = results === null ? new Int32Array(0) : endsIn(results, this.rows);
    if (positions !== null)
      this.#positions = new Float64Array(JSON.parse(`[${positions}]`) as number[]);
    this.#next = new Int32Array(this.rows).fill(none);
    this.#isTaken = new Uint8Array(this.rows);
  }

  idAt(row: number): TaskId {
    return taskId(this.#ids[row] ?? 0);
  }

  keyStart(row: number): number {
    return row === 0 ? 0 : this.keyEnd(row - 1) + separator.length;
  }

  keyEnd(row: number): number {
    return this.#keyEnds[row] ?? 0;
  }

  hasKey(row: number, text: string, start: number, end: number): boolean {
    let at = this.keyStart(row);
    if (this.keyEnd(row) - at !== end - start) return false;
    const { keys } = this;
    if (end - start === text.length) return keys.startsWith(text, at);
    for (let i = start; i < end; i++, at++) {
      if (keys.charCodeAt(at) !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  resultAt(row: number): string | undefined {
    if (this.#results === null) return "null";
    const start = row === 0 ? 0 : (this.#resultEnds[row - 1] ?? 0) + separator.length;
    const result = this.#results.slice(start, this.#resultEnds[row]);
    return result === staysInFile ? undefined : result;
  }

  positionAt(row: number): number {
    return positionOf(this.idAt(row), this.#positions?.[row] ?? 0);
  }

  nextAt(row: number): number {
    return this.#next[row] ?? none;
  }

  setNext(row: number, next: number): void {
    this.#next[row] = next;
  }

  take(row: number): void {
    this.#isTaken[row] = 1;
  }

  isTakenAt(row: number): boolean {
    return this.#isTaken[row] === 1;
  }

  *left(): Generator<string> {
    for (let row = 0; row < this.rows; row++) {
      if (this.#isTaken[row] === 0) yield this.keys.slice(this.keyStart(row), this.keyEnd(row));
    }
  }
}

/** Where each of the texts ends that a separator joins. */
function endsIn(text: string, count: number): Int32Array {
  const ends = new Int32Array(count);
  let from = 0;
  for (let i = 0; i < count; i++) {
    const end = i === count - 1 ? text.length : text.indexOf(separator, from);
    ends[i] = end;
    from = end + separator.length;
  }
  return ends;
}

/** A key ends with a hash of the task's input. */
const hashedChars = 8;

/** FNV-1a of the key's end. */
function hashOf(text: string, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = Math.max(start, end - hashedChars); i < end; i++)
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}
