// Which ready task starts next: priorities, stages, durations, concurrency limits, rate limits, retries that are due. Pure:
// the caller passes the time, in ms of the monotonic clock.

import { resultText, type TaskVertex } from "../plan/vertex.ts";
import type { WaitCause } from "../protocol/summary.ts";
import { noTags, type TagSet } from "../protocol/tags.ts";
import { Heap } from "../base/heap.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { durationClasses } from "./task-times.ts";

export type PoolLimits = ReadonlyMap<
  string,
  { readonly limit: number; readonly perMs: number | null }
>;

type Delayed = { readonly at: number; readonly vertex: TaskVertex };

/** Ranks of one stage. */
const ranks = durationClasses;
/** Of tasks behind longer lines, it hardly matters which goes first, and each rank costs a place in the queue. */
const maxRankedStage = 63;

export class Schedule {
  readonly #free = new ReadyLines();
  /** By the name of the pool. */
  readonly #limits = new Map<string, Limit>();
  readonly #delayed = new Heap<Delayed>((a, b) =>
    a.at === b.at ? a.vertex.order < b.vertex.order : a.at < b.at,
  );
  /** Undefined where all tasks are expected to take equally long. */
  #classOf: ((vertex: TaskVertex) => number) | undefined;
  /** Monotonic ms. */
  #now = 0;
  #order = 0;
  #ready = 0;
  /** Of the ready tasks, those that ask for tags. */
  readonly #tagged = new Map<TagSet, number>();
  #chars = 0;

  constructor(limits: PoolLimits) {
    for (const [pool, { limit, perMs }] of limits) this.#limits.set(pool, new Limit(limit, perMs));
  }

  /**
   * Among tasks of one priority and stage, those of the highest class start first. To be called before any task is added.
   * @param classOf an integer from 0 to `durationClasses - 1`
   */
  longFirst(classOf: (vertex: TaskVertex) => number): void {
    this.#classOf = classOf;
  }

  /**
   * Among tasks of one priority, the highest rank starts first. Depth before breadth: the next stage of an item that has
   * begun starts before the first stage of another item. So items are done early, and few results wait for later stages.
   */
  #rankOf(vertex: TaskVertex): number {
    const ofStage = Math.min(vertex.stage, maxRankedStage) * ranks;
    return this.#classOf === undefined ? ofStage : ofStage + this.#classOf(vertex);
  }

  /** Tasks that wait for a slot, or for their limit. */
  get ready(): number {
    return this.#ready;
  }

  /** The ready tasks that ask for exactly these tags; all of them where `on` is absent. */
  readyOn(on: TagSet | undefined): number {
    if (on === undefined || (on === noTags && this.#tagged.size === 0)) return this.#ready;
    if (on !== noTags) return this.#tagged.get(on) ?? 0;
    return this.#tagged.values().reduce((left, tagged) => left - tagged, this.#ready);
  }

  /** What the tasks that were ready so far have asked for. */
  get tagSets(): Iterable<TagSet> {
    return this.#tagged.keys();
  }

  /** Characters of the ready tasks' inputs, added up. */
  get chars(): number {
    return this.#chars;
  }

  get delayed(): number {
    return this.#delayed.size;
  }

  /** The time is `now`: for the tasks that become ready now. To read the clock for each would cost more than the rest of `add`. */
  setNow(now: number): void {
    this.#now = now;
  }

  add(vertex: TaskVertex): void {
    vertex.readyAt = this.#now;
    vertex.order = this.#order++;
    this.#queueOf(vertex).push(vertex, this.#rankOf(vertex));
    this.#count(vertex, 1);
  }

  /** A task that was dispatched and not begun goes back to its old place. */
  putBack(vertex: TaskVertex): void {
    this.#queueOf(vertex).putBack(vertex, this.#rankOf(vertex));
    this.#count(vertex, 1);
    this.leave(vertex);
  }

  #count(vertex: TaskVertex, ready: 1 | -1): void {
    const { on } = vertex;
    this.#ready += ready;
    this.#chars += ready * inputChars(vertex);
    if (on !== noTags) this.#tagged.set(on, (this.#tagged.get(on) ?? 0) + ready);
  }

  /** The task is ready again at `at`. */
  addAt(vertex: TaskVertex, at: number): void {
    this.#delayed.push({ at, vertex });
  }

  /**
   * The next task to start, which then counts against its limit; undefined where no task may start now.
   * @param limited false leaves out tasks under a limit: a limit counts running tasks, so they are not dispatched ahead
   * @param on only tasks that ask for exactly these tags; absent: any
   */
  take(now: number, limited: boolean, on?: TagSet): TaskVertex | undefined {
    this.#wake(now);
    let best = this.#free.first(on);
    let from: Limit | undefined;
    if (limited) {
      for (const limit of this.#limits.values()) {
        const first = limit.lines.first(on);
        if (first === undefined || limit.isClosed(now)) continue;
        if (best === undefined || first.isBefore(best)) {
          best = first;
          from = limit;
        }
      }
    }
    const vertex = best?.shift();
    if (vertex === undefined) return undefined;
    from?.enter(now);
    this.#count(vertex, -1);
    return vertex;
  }

  /** What a task that was just taken has waited for. */
  waitedFor({ pool, readyAt }: TaskVertex): WaitCause {
    const limit = pool === undefined ? undefined : this.#limits.get(pool);
    return limit === undefined || limit.closedAt < readyAt ? "worker" : limit.kind;
  }

  /** A task that was taken no longer counts against its limit. */
  leave(vertex: TaskVertex): void {
    if (vertex.pool !== undefined) this.#limits.get(vertex.pool)?.leave();
  }

  /** When a task may start that may not start now: its retry is due, or its rate limit opens. */
  wakesAt(now: number): number | undefined {
    this.#wake(now);
    let at = this.#delayed.peek()?.at ?? Number.POSITIVE_INFINITY;
    for (const limit of this.#limits.values()) {
      const opensAt = limit.lines.isEmpty ? now : limit.opensAt(now);
      if (opensAt > now) at = Math.min(at, opensAt);
    }
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  #queueOf(vertex: TaskVertex): ReadyQueue {
    const limit = vertex.pool === undefined ? undefined : this.#limits.get(vertex.pool);
    return (limit?.lines ?? this.#free).of(vertex.on);
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

/** Ready tasks that wait for the same limit, or for none: a queue for each set of tags that they ask for. */
class ReadyLines {
  readonly #untagged = new ReadyQueue();
  readonly #tagged = new Map<TagSet, ReadyQueue>();

  of(on: TagSet): ReadyQueue {
    if (on === noTags) return this.#untagged;
    const queue = this.#tagged.get(on) ?? new ReadyQueue();
    this.#tagged.set(on, queue);
    return queue;
  }

  get isEmpty(): boolean {
    return this.#untagged.size === 0 && this.#tagged.values().every(({ size }) => size === 0);
  }

  /** The queue whose first task starts first. @param on absent: of all queues */
  first(on: TagSet | undefined): ReadyQueue | undefined {
    if (on !== undefined) return nonEmpty(this.of(on));
    let best = nonEmpty(this.#untagged);
    for (const queue of this.#tagged.values()) {
      if (queue.size > 0 && (best === undefined || queue.isBefore(best))) best = queue;
    }
    return best;
  }
}

const nonEmpty = (queue: ReadyQueue): ReadyQueue | undefined =>
  queue.size === 0 ? undefined : queue;

/** A concurrency limit, or with `per` a rate limit, and the ready tasks under it. */
class Limit {
  readonly lines = new ReadyLines();
  readonly #most: number;
  readonly #perMs: number | null;
  /** Without `per`: how many tasks run. */
  #running = 0;
  /** With `per`: when the last `limit` tasks started, oldest first. */
  readonly #starts: number[] = [];
  /** When it last kept a ready task although a slot was idle, monotonic ms. */
  closedAt = Number.NEGATIVE_INFINITY;

  constructor(limit: number, perMs: number | null) {
    this.#most = limit;
    this.#perMs = perMs;
  }

  get kind(): "limit" | "rate" {
    return this.#perMs === null ? "limit" : "rate";
  }

  /** Whether a ready task of this limit has to wait. Notes when it had to, for `waitedFor`. */
  isClosed(now: number): boolean {
    if (this.opensAt(now) <= now) return false;
    this.closedAt = now;
    return true;
  }

  /** When a task may start; infinity where a running task has to end first. */
  opensAt(now: number): number {
    if (this.#perMs === null) return this.#running < this.#most ? now : Number.POSITIVE_INFINITY;
    const oldest = this.#starts[0];
    return this.#starts.length < this.#most || oldest === undefined ? now : oldest + this.#perMs;
  }

  enter(now: number): void {
    this.#running++;
    if (this.#perMs === null) return;
    this.#starts.push(now);
    if (this.#starts.length > this.#most) this.#starts.shift();
  }

  leave(): void {
    this.#running--;
  }
}
