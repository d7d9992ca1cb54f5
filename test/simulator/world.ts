// A process that is simulated: virtual threads that share one real thread, a clock that is held, and events whose order
// the seed decides. Everything runs inside one synchronous call, so nothing outside can come in between.

import { AsyncLocalStorage } from "node:async_hooks";
import { drainMicrotasks } from "bun:jsc";

import { type Event, EventQueue, isBefore } from "./event-queue.ts";
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
  endedAt = Number.POSITIVE_INFINITY;
  readonly events = new EventQueue();
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

/** How long things take, ms. */
export type Pace = {
  readonly messageMs: number;
  readonly mainMs: number;
  readonly writerMs: number;
  readonly workerMs: number;
  /** How probable it is that a port keeps a message for a while. */
  readonly lateness: number;
};

/** As fast as threads are that have nothing else to do. */
export const stillPace: Pace = {
  messageMs: 0.2,
  mainMs: 0.05,
  writerMs: 0.05,
  workerMs: 0.05,
  lateness: 0,
};

const lateMs = 20;
/** What waits for a busy thread comes after what the thread itself goes on with. */
const justAfterMs = 1e-6;
const lookMs = 0.0005;
/** Timers that keep nothing alive, while a thread is blocked: if nothing else happens, nothing will. */
const maxIdle = 100;
const maxLooks = 3_000_000;
const maxEvents = 200_000;
/** Timeouts are capped at 24 days; no scenario has waits of more than minutes. */
const maxVirtualMs = 6 * 3_600_000;
const wallStartMs = Date.UTC(2026, 10, 26);

export class World {
  readonly random: Random;
  readonly main: VirtualThread;
  /** Whatever befalls the process from outside: nothing that a thread does keeps it waiting. */
  readonly outside: VirtualThread;
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
  readonly #threads: VirtualThread[] = [];
  readonly #incidents: { readonly count: number; readonly work: () => void }[] = [];
  readonly #afterEvent: (() => void)[] = [];
  readonly #pace: Pace;

  constructor(seed: number, pace: Pace, startMs: number) {
    this.random = new Random(seed);
    this.#pace = pace;
    this.#now = startMs;
    this.outside = this.#add("outside", startMs);
    this.main = this.#add("main", startMs);
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
    return this.#add(name, this.current.now);
  }

  #add(name: string, now: number): VirtualThread {
    const thread = new VirtualThread(name, now);
    this.#threads.push(thread);
    return thread;
  }

  /** The thread is gone, and with it all that was to come for it. */
  end(thread: VirtualThread): void {
    thread.isAlive = false;
    thread.endedAt = this.#now;
    for (const event of thread.events) this.cancel(event);
    this.#threads.splice(this.#threads.indexOf(thread), 1);
  }

  /**
   * @param channel events of one thread on one channel keep their order
   * @param afterMs from the time of whoever runs now
   */
  schedule(
    thread: VirtualThread,
    channel: string,
    afterMs: number,
    work: () => void,
    isVital = true,
  ): Event {
    const earliest = this.current.now + afterMs;
    const at = channel === "" ? earliest : Math.max(earliest, thread.lastAt.get(channel) ?? 0);
    if (channel !== "") thread.lastAt.set(channel, at);
    const event: Event = { at, order: this.#order++, work, isVital, isWaiting: false };
    if (thread.isAlive) this.#push(thread, event);
    return event;
  }

  /** A message's way from thread to thread. */
  get latencyMs(): number {
    return 0.001 + this.random.skewed(this.#pace.messageMs);
  }

  /** What keeps a message of a port. */
  get delayMs(): number {
    return this.random.chance(this.#pace.lateness) ? this.random.skewed(lateMs) : 0;
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
    this.#incidents.push({ count, work });
    this.#incidents.sort((a, b) => a.count - b.count);
  }

  #befall(): void {
    for (let next = this.#incidents[0]; next !== undefined; next = this.#incidents[0]) {
      if (next.count > this.events) return;
      this.#incidents.shift();
      next.work();
    }
  }

  /** Runs events until `isOver`, or until nothing is left that could change anything. */
  run(isOver: () => boolean): void {
    while (!isOver() && !this.isDead && this.#vital > 0) {
      const thread = this.#next(this.#threads);
      if (thread === undefined) return;
      if (this.#perform(thread)) this.#endEvent();
      this.#befall();
      this.#assertBounded();
    }
  }

  /** Whose event is the next. */
  #next(threads: readonly VirtualThread[]): VirtualThread | undefined {
    let next: VirtualThread | undefined;
    for (const thread of threads) {
      if (isBefore(thread.events.first, next?.events.first)) next = thread;
      else if (next === undefined && thread.events.first !== undefined) next = thread;
    }
    return next;
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
    let idle = 0;
    while (!isOver()) {
      const thread = this.#next(others.filter(({ isAlive }) => isAlive));
      if (thread?.events.first === undefined) return false;
      if (!thread.events.first.isVital && ++idle > maxIdle) return false;
      this.#perform(thread);
      this.current = blocked;
      blocked.now = Math.max(blocked.now, this.#now);
      this.#assertBounded();
      if (!blocked.isAlive || this.isDead) return false;
    }
    return true;
  }

  /** The thread's next event. False when it did not run: the thread is still busy. */
  #perform(thread: VirtualThread): boolean {
    const event = thread.events.shift();
    if (event === undefined) return false;
    this.cancel(event);
    // Busy: it comes to this later; or never, if nothing wakes it.
    if (thread.now > event.at && thread !== this.outside) {
      if (thread.now === Number.POSITIVE_INFINITY) return false;
      event.at = thread.now + justAfterMs;
      this.#push(thread, event);
      return false;
    }
    this.#now = Math.max(this.#now, event.at);
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

  #push(thread: VirtualThread, event: Event): void {
    event.isWaiting = true;
    if (event.isVital) this.#vital++;
    thread.events.push(event);
  }
}

/**
 * Messages on their way to a thread. As in Bun, what has come on one channel by the time that the thread looks is handed
 * over together: a message can overtake one that was sent earlier on another channel. What goes from Worker to Worker by
 * a port arrives after what the thread was sent before by its parent, and maybe long after.
 */
export class Channel {
  readonly #world: World;
  readonly #waiting: { readonly sentAt: number; readonly deliver: () => void }[] = [];
  readonly #port: string | undefined;
  to: VirtualThread;

  /** @param port its name; undefined between a Worker and its parent */
  constructor(world: World, to: VirtualThread, port?: string) {
    this.#world = world;
    this.#port = port;
    this.to = to;
  }

  send(deliver: () => void): void {
    this.#waiting.push({ sentAt: this.#world.now, deliver });
    const world = this.#world;
    const handOver = (): void => this.#handOver();
    if (this.#port === undefined) {
      world.schedule(this.to, messages, world.latencyMs, handOver);
      return;
    }
    const before = this.to.lastAt.get(messages) ?? 0;
    const wait = Math.max(before - world.now, 0) + world.latencyMs;
    world.schedule(this.to, this.#port, wait + world.delayMs, handOver);
  }

  #handOver(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      // A sender's clock may be ahead: what it has not sent yet is not there.
      if (!this.to.isAlive || next.sentAt > this.#world.now) return;
      this.#waiting.shift();
      next.deliver();
      this.#world.nextOfTurn();
    }
  }
}

const messages = "messages";

/** Runs `work` with the async context of now, whenever it is called. */
export const inContext = (work: () => void): (() => void) => {
  const restore = AsyncLocalStorage.snapshot();
  return () => restore(work);
};
