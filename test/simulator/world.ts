// A process that is simulated: virtual threads that share one real thread, a clock that is held, and events whose order
// the seed decides. Everything runs inside one synchronous call, so nothing outside can come in between.

import { AsyncLocalStorage } from "node:async_hooks";
import { drainMicrotasks } from "bun:jsc";

import { Random } from "./random.ts";

/** What a simulation is about to prove does not happen. */
export class Finding extends Error {
  override readonly name = "Finding";
}

export class VirtualThread {
  readonly name: string;
  /** Its own time, ms: ahead of the world's while it works or is blocked; infinite while nothing can wake it. */
  now: number;
  isAlive = true;
  /** Its last event per channel: what was sent first arrives first. */
  readonly lastAt = new Map<string, number>();
  /** What a callback of its timers threw and nobody caught. */
  onUncaught: (thrown: unknown) => void = (thrown) => {
    throw thrown;
  };

  constructor(name: string, now: number) {
    this.name = name;
    this.now = now;
  }
}

export type Event = {
  at: number;
  readonly order: number;
  /** Undefined: something that befalls the process from outside. */
  readonly thread: VirtualThread | undefined;
  readonly work: () => void;
  /** False for a timer that does not keep the process alive. */
  isVital: boolean;
  /** It is still to come. */
  isWaiting: boolean;
};

/** How long things take, ms. */
export type Pace = {
  readonly messageMs: number;
  readonly mainMs: number;
  readonly writerMs: number;
  readonly workerMs: number;
};

/** What waits for a busy thread comes after what the thread itself goes on with. */
const justAfterMs = 1e-6;
const lookMs = 0.0005;
const maxLooks = 3_000_000;
const maxEvents = 200_000;
/** Timeouts are capped at 24 days; no scenario has waits of more than minutes. */
const maxVirtualMs = 6 * 3_600_000;
const wallStartMs = Date.UTC(2026, 10, 26);

export class World {
  readonly random: Random;
  readonly main: VirtualThread;
  current: VirtualThread;
  /** The process was killed: nothing has an effect any more. */
  isDead = false;
  events = 0;
  /** The first thing that was found wrong. Code under simulation may catch what it throws. */
  finding: Finding | undefined;
  #now: number;
  /** Threads that wait, and what they have begun must not go on. */
  readonly #blocked: VirtualThread[] = [];
  #wallOffsetMs = 0;
  #order = 0;
  #looks = 0;
  #vital = 0;
  readonly #heap: Event[] = [];
  readonly #outside: { readonly count: number; readonly work: () => void }[] = [];
  readonly #afterEvent: (() => void)[] = [];
  readonly #pace: Pace;

  constructor(seed: number, pace: Pace, startMs: number) {
    this.random = new Random(seed);
    this.#pace = pace;
    this.#now = startMs;
    this.main = new VirtualThread("main", startMs);
    this.current = this.main;
  }

  /** Ms since the process started, as the running thread sees it. */
  get now(): number {
    return this.current.now;
  }

  /** What a clock shows: looking at it takes a moment, so a loop that waits for a time comes to an end. */
  read(): number {
    this.current.now += lookMs;
    if (++this.#looks > maxLooks) this.fail(`no end after ${maxLooks} looks at the clock`);
    return this.current.now;
  }

  get wallMs(): number {
    this.read();
    return Math.floor(wallStartMs + this.current.now + this.#wallOffsetMs);
  }

  jumpClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  thread(name: string): VirtualThread {
    return new VirtualThread(name, this.current.now);
  }

  /**
   * @param channel events of one thread on one channel keep their order
   * @param afterMs from the time of whoever runs now
   */
  schedule(
    thread: VirtualThread | undefined,
    channel: string,
    afterMs: number,
    work: () => void,
    isVital = true,
  ): Event {
    const earliest = this.current.now + afterMs;
    const last = thread?.lastAt.get(channel) ?? 0;
    const at = channel === "" ? earliest : Math.max(earliest, last);
    if (channel !== "") thread?.lastAt.set(channel, at);
    const event: Event = { at, order: this.#order++, thread, work, isVital, isWaiting: false };
    this.#push(event);
    return event;
  }

  /** A message's way from thread to thread. */
  get latencyMs(): number {
    return 0.001 + this.random.skewed(this.#pace.messageMs);
  }

  /** One event is over, and another begins in the same turn. */
  nextOfTurn(): void {
    if (this.#blocked.length === 0) this.#endEvent();
  }

  /** Some of its code is under way. */
  isRunning(thread: VirtualThread): boolean {
    return thread === this.current || this.#blocked.includes(thread);
  }

  cancel(event: Event): void {
    if (!event.isWaiting) return;
    event.isWaiting = false;
    if (event.isVital) this.#vital--;
  }

  unref(event: Event): void {
    if (event.isVital && event.isWaiting) this.#vital--;
    event.isVital = false;
  }

  /** Runs `work` when the event under way, with all that it leads to at once, is over. */
  afterEvent(work: () => void): void {
    this.#afterEvent.push(work);
  }

  #endEvent(): void {
    drainMicrotasks();
    for (const work of this.#afterEvent.splice(0)) work();
  }

  /** Something befalls the process when so many events have passed. */
  atEvent(count: number, work: () => void): void {
    this.#outside.push({ count, work });
    this.#outside.sort((a, b) => a.count - b.count);
  }

  #befall(): void {
    for (let next = this.#outside[0]; next !== undefined && next.count <= this.events;) {
      this.#outside.shift();
      this.schedule(undefined, "", 0, next.work);
      next = this.#outside[0];
    }
  }

  /** Runs events until `isOver`, or until nothing is left that could change anything. */
  run(isOver: () => boolean): void {
    while (!isOver() && !this.isDead && this.#vital > 0) {
      const event = this.#pop();
      if (event === undefined) return;
      if (this.#perform(event)) this.#endEvent();
      this.#befall();
      this.#assertBounded();
    }
  }

  /** Something is wrong: nothing goes on after it. */
  fail(what: string): never {
    this.finding ??= new Finding(what);
    this.isDead = true;
    throw this.finding;
  }

  #assertBounded(): void {
    if (this.events > maxEvents) this.fail(`no end after ${maxEvents} events`);
    if (this.#now > maxVirtualMs) this.fail(`no end after ${maxVirtualMs} ms`);
  }

  /**
   * The running thread blocks until `isOver`; meanwhile the `others` go on, one event at a time.
   * @returns false when it will never be over: they have nothing left to do, or the blocked thread has ended
   */
  block(others: readonly VirtualThread[], isOver: () => boolean): boolean {
    this.#blocked.push(this.current);
    try {
      return this.#goOn(others, isOver);
    } finally {
      this.#blocked.pop();
    }
  }

  #goOn(others: readonly VirtualThread[], isOver: () => boolean): boolean {
    const blocked = this.current;
    while (!isOver()) {
      const event = this.#popOf(others);
      if (event === undefined) return false;
      this.#perform(event);
      this.current = blocked;
      blocked.now = Math.max(blocked.now, this.#now);
      this.#assertBounded();
      if (!blocked.isAlive || this.isDead) return false;
    }
    return true;
  }

  /** False when there was nothing to run: its thread is gone, or still busy. */
  #perform(event: Event): boolean {
    const { thread } = event;
    if (thread !== undefined && thread.isAlive && thread.now > event.at) {
      // Busy: it comes to this later; or never, if nothing wakes it.
      if (thread.now === Number.POSITIVE_INFINITY) return false;
      event.at = thread.now + justAfterMs;
      this.#push(event);
      return false;
    }
    this.#now = Math.max(this.#now, event.at);
    if (thread === undefined) {
      this.current = this.main;
      const { now } = this.main;
      // From outside, whatever main is busy with.
      this.main.now = Math.max(this.#now, event.at);
      this.events++;
      event.work();
      this.main.now = Math.max(now, this.#now);
      return true;
    }
    if (!thread.isAlive) return false;
    thread.now = Math.max(thread.now, event.at) + this.#costMs(thread);
    this.current = thread;
    this.events++;
    event.work();
    return true;
  }

  #costMs({ name }: VirtualThread): number {
    const { mainMs, writerMs, workerMs } = this.#pace;
    const most = name === "main" ? mainMs : name === "writer" ? writerMs : workerMs;
    return 0.001 + this.random.skewed(most);
  }

  // ── the heap: earliest first, and of the same time the one that was scheduled first ──

  #push(event: Event): void {
    event.isWaiting = true;
    if (event.isVital) this.#vital++;
    const heap = this.#heap;
    heap.push(event);
    for (let child = heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!isBefore(heap[child], heap[parent])) return;
      swap(heap, child, parent);
      child = parent;
    }
  }

  #pop(): Event | undefined {
    for (;;) {
      const first = this.#heap[0];
      const last = this.#heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#sink();
      }
      if (!first.isWaiting) continue;
      this.cancel(first);
      return first;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let parent = 0; ;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (isBefore(heap[child], heap[least])) least = child;
      }
      if (least === parent) return;
      swap(heap, least, parent);
      parent = least;
    }
  }

  /** The next of these threads, or of what comes from outside. Rare, and the heap is small. */
  #popOf(threads: readonly VirtualThread[]): Event | undefined {
    let first: Event | undefined;
    for (const event of this.#heap) {
      const isTheirs = event.thread === undefined || threads.includes(event.thread);
      if (!isTheirs || !event.isWaiting || !event.isVital) continue;
      if (first === undefined || isBefore(event, first)) first = event;
    }
    if (first === undefined) return undefined;
    this.cancel(first);
    this.#heap.splice(this.#heap.indexOf(first), 1);
    // A sorted list is a heap.
    this.#heap.sort((a, b) => a.at - b.at || a.order - b.order);
    return first;
  }
}

const isBefore = (a: Event | undefined, b: Event | undefined): boolean =>
  a !== undefined && b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order));

function swap(heap: Event[], a: number, b: number): void {
  const left = heap[a];
  const right = heap[b];
  if (left === undefined || right === undefined) return;
  heap[a] = right;
  heap[b] = left;
}

/**
 * Messages on their way to a thread. As in Bun, what has come on one channel by the time that the thread looks is handed
 * over together: a message can overtake one that was sent earlier on another channel.
 */
export class Channel {
  readonly #world: World;
  readonly #waiting: (() => void)[] = [];
  to: VirtualThread;

  constructor(world: World, to: VirtualThread) {
    this.#world = world;
    this.to = to;
  }

  send(deliver: () => void): void {
    this.#waiting.push(deliver);
    this.#world.schedule(this.to, "messages", this.#world.latencyMs, () => this.#handOver());
  }

  #handOver(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (!this.to.isAlive) return;
      next();
      this.#world.nextOfTurn();
    }
  }
}

/** Runs `work` with the async context of now, whenever it is called. */
export const inContext = (work: () => void): (() => void) => {
  const restore = AsyncLocalStorage.snapshot();
  return () => restore(work);
};
