// What may start next: priorities, named limits, rate limits, waiting retries. Pure; time is handed in, in ms of a clock
// that nobody sets.

import { resultText, type TaskVertex } from "../plan/vertex.ts";
import { Heap } from "../base/heap.ts";

export type PoolLimits = ReadonlyMap<
  string,
  { readonly limit: number; readonly perMs: number | null }
>;

type Delayed = { readonly at: number; readonly vertex: TaskVertex };

export class Schedule {
  readonly #free = new ReadyQueue();
  readonly #pools = new Map<string, NamedPool>();
  readonly #delayed = new Heap<Delayed>((a, b) =>
    a.at === b.at ? a.vertex.order < b.vertex.order : a.at < b.at,
  );
  #order = 0;
  #ready = 0;
  #chars = 0;

  constructor(limits: PoolLimits) {
    for (const [name, { limit, perMs }] of limits)
      this.#pools.set(name, new NamedPool(limit, perMs));
  }

  /** Tasks that wait for a thread or for their pool. */
  get ready(): number {
    return this.#ready;
  }

  /** Characters of the ready tasks' inputs, added up. */
  get chars(): number {
    return this.#chars;
  }

  get delayed(): number {
    return this.#delayed.size;
  }

  add(vertex: TaskVertex): void {
    vertex.order = this.#order++;
    this.#queueOf(vertex).push(vertex);
    this.#ready++;
    this.#chars += inputChars(vertex);
  }

  /** A task that was handed out and not begun goes back to its old place. */
  putBack(vertex: TaskVertex): void {
    this.#queueOf(vertex).putBack(vertex);
    this.#ready++;
    this.#chars += inputChars(vertex);
    this.leave(vertex);
  }

  /** It is tried again at `at`. */
  addAt(vertex: TaskVertex, at: number): void {
    this.#delayed.push({ at, vertex });
  }

  /**
   * The next task to start, which then counts against its pool; undefined when nothing may start now.
   * @param limited false leaves tasks of named pools out: they are not handed out ahead of time, for a limit counts
   *   what runs, not what waits behind another task
   */
  take(now: number, limited: boolean): TaskVertex | undefined {
    this.#wake(now);
    let best: ReadyQueue | undefined = this.#free.size > 0 ? this.#free : undefined;
    let from: NamedPool | undefined;
    if (limited) {
      for (const pool of this.#pools.values()) {
        if (pool.queue.size === 0 || pool.opensAt(now) > now) continue;
        if (best === undefined || pool.queue.isBefore(best)) {
          best = pool.queue;
          from = pool;
        }
      }
    }
    const vertex = best?.shift();
    if (vertex === undefined) return undefined;
    from?.enter(now);
    this.#ready--;
    this.#chars -= inputChars(vertex);
    return vertex;
  }

  /** A task that was taken has ended, in whatever way. */
  leave(vertex: TaskVertex): void {
    if (vertex.pool !== undefined) this.#pools.get(vertex.pool)?.leave();
  }

  /** When something may start that may not now: a retry that is due, a rate limit that opens. */
  wakesAt(now: number): number | undefined {
    this.#wake(now);
    let at = this.#delayed.peek()?.at ?? Number.POSITIVE_INFINITY;
    for (const pool of this.#pools.values()) {
      const opensAt = pool.queue.size > 0 ? pool.opensAt(now) : now;
      if (opensAt > now) at = Math.min(at, opensAt);
    }
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  #queueOf(vertex: TaskVertex): ReadyQueue {
    const pool = vertex.pool === undefined ? undefined : this.#pools.get(vertex.pool);
    return pool?.queue ?? this.#free;
  }

  #wake(now: number): void {
    for (
      let first = this.#delayed.peek();
      first !== undefined && first.at <= now;
      first = this.#delayed.peek()
    ) {
      this.#delayed.pop();
      this.add(first.vertex);
    }
  }
}

/** The length of a ready task's input text, which may not have been made yet. */
function inputChars({ input, inputText }: TaskVertex): number {
  if (input === undefined) return inputText.length;
  if (typeof input === "string") return input.length;
  let chars = 0;
  for (const piece of input) {
    chars += typeof piece === "string" ? piece.length : resultText(piece).length;
  }
  return chars;
}

class NamedPool {
  readonly queue = new ReadyQueue();
  readonly #limit: number;
  readonly #perMs: number | null;
  /** Without `per`: how many run. */
  #running = 0;
  /** With `per`: when the last `limit` tasks started, oldest first. */
  readonly #starts: number[] = [];

  constructor(limit: number, perMs: number | null) {
    this.#limit = limit;
    this.#perMs = perMs;
  }

  /** From when on a task may start; infinity while only an end can make room. */
  opensAt(now: number): number {
    if (this.#perMs === null) return this.#running < this.#limit ? now : Number.POSITIVE_INFINITY;
    const oldest = this.#starts[0];
    return this.#starts.length < this.#limit || oldest === undefined ? now : oldest + this.#perMs;
  }

  enter(now: number): void {
    this.#running++;
    if (this.#perMs === null) return;
    this.#starts.push(now);
    if (this.#starts.length > this.#limit) this.#starts.shift();
  }

  leave(): void {
    this.#running--;
  }
}

/** First by priority, then by order. */
class ReadyQueue {
  /** Highest priority first. */
  readonly #slots: { readonly priority: number; readonly queue: Fifo<TaskVertex> }[] = [];
  size = 0;

  push(vertex: TaskVertex): void {
    this.#slot(vertex.priority).push(vertex);
    this.size++;
  }

  putBack(vertex: TaskVertex): void {
    const queue = this.#slot(vertex.priority);
    const before: TaskVertex[] = [];
    for (let first = queue.peek(); first !== undefined && first.order < vertex.order;) {
      before.push(first);
      queue.shift();
      first = queue.peek();
    }
    queue.unshift(vertex);
    for (const earlier of before.toReversed()) queue.unshift(earlier);
    this.size++;
  }

  shift(): TaskVertex | undefined {
    for (const slot of this.#slots) {
      const vertex = slot.queue.shift();
      if (vertex === undefined) continue;
      this.size--;
      return vertex;
    }
    return undefined;
  }

  isBefore(other: ReadyQueue): boolean {
    const mine = this.#first();
    const theirs = other.#first();
    if (mine === undefined || theirs === undefined) return mine !== undefined;
    return mine.priority === theirs.priority
      ? mine.order < theirs.order
      : mine.priority > theirs.priority;
  }

  #first(): TaskVertex | undefined {
    for (const slot of this.#slots) {
      const vertex = slot.queue.peek();
      if (vertex !== undefined) return vertex;
    }
    return undefined;
  }

  #slot(priority: number): Fifo<TaskVertex> {
    const found = this.#slots.find((slot) => slot.priority === priority);
    if (found !== undefined) return found.queue;
    const queue = new Fifo<TaskVertex>();
    this.#slots.push({ priority, queue });
    this.#slots.sort((a, b) => b.priority - a.priority);
    return queue;
  }
}

/** A queue whose `shift` does not move what remains. */
class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  unshift(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item;
    else this.#items.unshift(item);
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
