// Tasks that earlier sessions have done, by key, as they came from the writer: texts of many keys and results, and no object
// or string for each task. A million tasks take 55 MB, which are given back as the tasks are taken.
//
// Open-addressing hash table with linear probing. Tasks of one key are a ring, in the order of their ids. A slot has the
// last of a ring, and so the first: the one after the last.

import { gcAndSweep } from "bun:jsc";

import { type TaskId, unknownPosition } from "../protocol/ids.ts";
import type { DonePage } from "../protocol/messages.ts";
import { systemClock } from "../base/clock.ts";
import { type LeftTask, maxRows, none, PageOfDone } from "./page-of-done.ts";

const leastSlots = 1024;

/** A slot of the table: the number of the last task of its ring + 1, or one of these. */
const empty = 0;
/** All tasks of its key were taken. */
const emptied = -1;

/** Fewer pages are not let go of. */
const leastSpent = 8;

export type DoneTask = {
  readonly id: TaskId;
  /** Or `unknownPosition`. */
  readonly position: number;
  /** JSON text; undefined where it stays in the file. */
  readonly result: string | undefined;
};

export class DoneTasks {
  /** A task's number is that of its page, times `maxRows`, and its row there. */
  #pages: (PageOfDone | undefined)[] = [];
  /** Pages that are held; of these, pages that are in no ring. */
  #held = 0;
  #spent = 0;
  #isLettingGo = false;
  #slots = new Int32Array(leastSlots);
  /** By slot: the key's hash. Keys are compared only where it is the same. */
  #hashes = new Int32Array(leastSlots);
  /** Slots that are not empty. */
  #used = 0;
  /** Tasks that were not taken. */
  size = 0;
  /** Keys of tasks whose results differ. */
  readonly differing = new Set<string>();
  /** Of keys of several tasks, once one was looked for that is not the first: the task at each position. */
  readonly #positions = new Map<string, ReadonlyMap<number, number>>();

  /** To be called in the order of the ids. Returns the last id. */
  add(page: DonePage): TaskId {
    const added = new PageOfDone(page);
    const number = this.#pages.push(added) - 1;
    for (let row = 0; row < added.rows; row++) this.#insert(added, number * maxRows + row);
    this.size += added.rows;
    this.#held++;
    return added.idAt(added.rows - 1);
  }

  #insert(page: PageOfDone, task: number): void {
    if (isTooFull(this.#used + 1, this.#slots.length)) this.#resize(2 * this.#slots.length);
    const row = task % maxRows;
    const [start, end] = [page.keyStart(row), page.keyEnd(row)];
    const hash = hashOf(page.keys, start, end);
    const slot = this.#find(hash, page.keys, start, end);
    const last = this.#lastIn(slot);
    if (last === none) {
      this.#used++;
      page.setNext(row, task);
    } else {
      if (!this.#haveSameResult(last, task)) this.differing.add(page.keyAt(row));
      page.setNext(row, this.#next(last));
      this.#setNext(last, task);
    }
    this.#slots[slot] = task + 1;
    this.#hashes[slot] = hash;
  }

  #haveSameResult(a: number, b: number): boolean {
    return this.#pageOf(a).resultAt(a % maxRows) === this.#pageOf(b).resultAt(b % maxRows);
  }

  /** The tasks of this key that were not taken, in the order of their ids. One that was yielded may be taken before the next. */
  *leftOf(key: string): Generator<DoneTask> {
    for (const task of this.#left(this.#findKey(key))) yield this.#doneAt(task);
  }

  *#left(slot: number): Generator<number> {
    const last = this.#lastIn(slot);
    if (last === none) return;
    for (let task = this.#next(last); ; task = this.#next(task)) {
      if (!this.#isTaken(task)) yield task;
      if (task === last) return;
    }
  }

  #doneAt(task: number): DoneTask {
    const page = this.#pageOf(task);
    const row = task % maxRows;
    return { id: page.idAt(row), position: page.positionAt(row), result: page.resultAt(row) };
  }

  /** The task that `take` would return. */
  peek(key: string): Pick<DoneTask, "id" | "position"> | undefined {
    const task = this.#firstIn(this.#findKey(key));
    if (task === none) return undefined;
    const page = this.#pageOf(task);
    return { id: page.idAt(task % maxRows), position: page.positionAt(task % maxRows) };
  }

  /** The task of this key that was not taken and is called at this position of the plan. */
  at(key: string, position: number): DoneTask | undefined {
    const slot = this.#findKey(key);
    const first = this.#firstIn(slot);
    if (first === none) return undefined;
    if (this.#positionOf(first) === position) return this.#doneAt(first);
    const positions = this.#positions.get(key) ?? this.#findPositions(key, slot);
    const task = positions.get(position) ?? none;
    return task === none || this.#isTaken(task) ? undefined : this.#doneAt(task);
  }

  /** A key may have a million tasks. */
  #findPositions(key: string, slot: number): ReadonlyMap<number, number> {
    const positions = new Map<number, number>();
    for (const task of this.#left(slot)) {
      const position = this.#positionOf(task);
      if (position !== unknownPosition && !positions.has(position)) positions.set(position, task);
    }
    this.#positions.set(key, positions);
    return positions;
  }

  /** The next task of this key, in the order of their ids. */
  take(key: string): DoneTask | undefined {
    const slot = this.#findKey(key);
    const task = this.#firstIn(slot);
    return task === none ? undefined : this.#take(key, slot, task);
  }

  /** @param id of a task of this key that was not taken */
  takeThis(key: string, { id, position }: Pick<DoneTask, "id" | "position">): DoneTask {
    const slot = this.#findKey(key);
    const isIt = (task: number): boolean => this.#pageOf(task).idAt(task % maxRows) === id;
    const at = this.#positions.get(key)?.get(position) ?? none;
    if (at !== none && !this.#isTaken(at) && isIt(at)) return this.#take(key, slot, at);
    const task = this.#left(slot).find(isIt);
    if (task === undefined) throw new Error(`Internal error: no task ${id} of its key is left`);
    return this.#take(key, slot, task);
  }

  #take(key: string, slot: number, task: number): DoneTask {
    const done = this.#doneAt(task);
    this.#pageOf(task).take(task % maxRows);
    this.size--;
    this.#removeTaken(slot);
    if (this.#lastIn(slot) === none) this.#positions.delete(key);
    return done;
  }

  /** The first of a ring is never a task that was taken. Others that were taken go when those before them have gone. */
  #removeTaken(slot: number): void {
    const last = this.#lastIn(slot);
    let first = this.#next(last);
    while (this.#isTaken(first)) {
      this.#removed(this.#pageOf(first));
      if (first === last) {
        this.#slots[slot] = emptied;
        return;
      }
      first = this.#next(first);
    }
    this.#setNext(last, first);
  }

  #removed(page: PageOfDone): void {
    page.removed++;
    if (page.removed < page.rows) return;
    this.#spent++;
    const isMuch = this.#spent >= leastSpent && 2 * this.#spent >= this.#held;
    if (!isMuch || this.#isLettingGo) return;
    this.#isLettingGo = true;
    // Not while the pages are on the stack, or in a `leftOf` that is under way.
    systemClock.soon(() => this.#letGo());
  }

  /**
   * Without an explicit collection, the collector lets the heap grow to three times of what it had with the pages: a million
   * tasks that were half done took 420 MB instead of 240.
   */
  #letGo(): void {
    this.#isLettingGo = false;
    this.#pages = this.#pages.map((page) =>
      page === undefined || page.removed === page.rows ? undefined : page,
    );
    this.#held -= this.#spent;
    this.#spent = 0;
    const keys = this.#slots.reduce((count, there) => (there > empty ? count + 1 : count), 0);
    this.#resize(slotsFor(keys));
    gcAndSweep();
  }

  #isTaken(task: number): boolean {
    return this.#pages[Math.floor(task / maxRows)]?.isTakenAt(task % maxRows) ?? true;
  }

  #positionOf(task: number): number {
    return this.#pageOf(task).positionAt(task % maxRows);
  }

  /** The tasks that were not taken, in the order of their ids. */
  *left(): Generator<LeftTask> {
    for (const page of this.#pages) if (page !== undefined) yield* page.left();
  }

  #findKey(key: string): number {
    return this.#find(hashOf(key, 0, key.length), key, 0, key.length);
  }

  /** The slot of the key, or the empty one where it belongs. */
  #find(hash: number, text: string, start: number, end: number): number {
    const [slots, hashes] = [this.#slots, this.#hashes];
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const there = slots[slot] ?? empty;
      if (there === empty) return slot;
      if (there === emptied || hashes[slot] !== hash) continue;
      const task = there - 1;
      if (this.#pageOf(task).hasKey(task % maxRows, text, start, end)) return slot;
    }
  }

  #resize(length: number): void {
    const [slots, hashes] = [this.#slots, this.#hashes];
    const mask = length - 1;
    this.#slots = new Int32Array(length);
    this.#hashes = new Int32Array(length);
    this.#used = 0;
    for (const [i, there] of slots.entries()) {
      if (there === empty || there === emptied) continue;
      const hash = hashes[i] ?? 0;
      // The keys differ: no need to compare them.
      let slot = hash & mask;
      while (this.#slots[slot] !== empty) slot = (slot + 1) & mask;
      this.#slots[slot] = there;
      this.#hashes[slot] = hash;
      this.#used++;
    }
  }

  /** The last task of the slot's ring; none where all were taken, and in an empty slot. */
  #lastIn(slot: number): number {
    return Math.max(this.#slots[slot] ?? empty, empty) - 1;
  }

  #firstIn(slot: number): number {
    const last = this.#lastIn(slot);
    return last === none ? none : this.#next(last);
  }

  #next(task: number): number {
    return this.#pageOf(task).nextAt(task % maxRows);
  }

  #setNext(task: number, next: number): void {
    this.#pageOf(task).setNext(task % maxRows, next);
  }

  #pageOf(task: number): PageOfDone {
    const page = this.#pages[Math.floor(task / maxRows)];
    if (page === undefined) throw new Error(`Internal error: no page has the done task ${task}`);
    return page;
  }
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

/** A power of two: at most two thirds of the slots are used. */
function slotsFor(keys: number): number {
  let slots = leastSlots;
  while (isTooFull(keys, slots)) slots *= 2;
  return slots;
}

const isTooFull = (keys: number, slots: number): boolean => 3 * keys > 2 * slots;
