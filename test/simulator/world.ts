// The simulated world: virtual threads on one real thread, a virtual clock, and events whose order the seed decides.
// All of it runs inside one synchronous call, so that no outside code interleaves.

import { AsyncLocalStorage } from "node:async_hooks";
import { drainMicrotasks } from "bun:jsc";

import { type Event, EventQueue, isBefore } from "./event-queue.ts";
import { Random } from "./random.ts";

/** A violation that a simulation has found. */
export class Finding extends Error {
  override readonly name = "Finding";
}

export class VirtualThread {
  readonly name: string;
  /**
   * The thread's own time in ms. Ahead of the world's time while it works or blocks; infinite if nothing can wake it.
   */
  now: number;
  isAlive = true;
  endedAt = Number.POSITIVE_INFINITY;
  readonly events = new EventQueue();
  /** Channel → time of its last event, to keep the order of messages. */
  readonly lastAt = new Map<string, number>();
  /** Called with an uncaught error of a timer callback. */
  onUncaught: (thrown: unknown) => void = (thrown) => {
    throw thrown;
  };

  constructor(name: string, now: number) {
    this.name = name;
    this.now = now;
  }
}

/** Typical durations in ms. */
export type Pace = {
  readonly messageMs: number;
  readonly mainMs: number;
  readonly writerMs: number;
  readonly workerMs: number;
  /** Probability that a port delays a message. */
  readonly lateness: number;
  /** Probability that a message of main is delayed, so that what it brings about on a port arrives first. */
  readonly overtaking?: number;
};

/** The pace of otherwise idle threads. */
export const stillPace: Pace = {
  messageMs: 0.2,
  mainMs: 0.05,
  writerMs: 0.05,
  workerMs: 0.05,
  lateness: 0,
};

const lateMs = 20;
/** An event that waits for a busy thread runs just after the thread's current work. */
const justAfterMs = 1e-6;
const lookMs = 0.0005;
/** While a thread is blocked, this many `unref`ed timers in a row without another event mean a deadlock. */
const maxIdle = 100;
const maxLooks = 3_000_000;
const maxEvents = 1_000_000;
/** Limit of virtual time. Scenarios wait for minutes at most, while `setTimeout` allows 24 days. */
const maxVirtualMs = 6 * 3_600_000;
const wallStartMs = Date.UTC(2026, 10, 26);

export class World {
  readonly random: Random;
  main: VirtualThread;
  /** Pseudo-thread for external events. It is never busy. */
  readonly outside: VirtualThread;
  current: VirtualThread;
  /** The process was killed: code has no further effects. */
  isDead = false;
  events = 0;
  /** The first finding. Stored, because the simulated code may catch the thrown error. */
  finding: Finding | undefined;
  #now: number;
  /** Threads that block inside an event; they must not start another event. */
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

  /** ms since the start of the process, by the running thread's clock. */
  get now(): number {
    return this.current.now;
  }

  /** Reads the clock. Each read takes a little virtual time, so that a busy-wait loop ends. */
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

  /** Another process takes the place of one that has died, whose threads have been ended. */
  newProcess(): void {
    this.main = this.#add("main", this.#now);
    this.current = this.main;
    this.#incidents.splice(0);
  }

  /** Ends the thread and drops its future events. */
  end(thread: VirtualThread): void {
    thread.isAlive = false;
    thread.endedAt = this.#now;
    for (const event of thread.events) this.cancel(event);
    this.#threads.splice(this.#threads.indexOf(thread), 1);
  }

  /**
   * @param channel events of one thread on one channel keep their order
   * @param afterMs relative to the running thread's clock
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

  /** Latency of a message between threads. */
  get latencyMs(): number {
    return 0.001 + this.random.skewed(this.#pace.messageMs);
  }

  /** Additional delay of a message on a port. */
  get delayMs(): number {
    return this.random.chance(this.#pace.lateness) ? this.random.skewed(lateMs) : 0;
  }

  /** Delay of a message of main. */
  get mainDelayMs(): number {
    const { overtaking = 0 } = this.#pace;
    return overtaking > 0 && this.random.chance(overtaking) ? this.random.skewed(lateMs) : 0;
  }

  /** Messages on ports wait for no earlier message of main. */
  get mayOvertake(): boolean {
    return (this.#pace.overtaking ?? 0) > 0;
  }

  /** Ends the current event; another one begins in the same turn. */
  nextOfTurn(): void {
    if (this.#blocked.length === 0) this.#endEvent();
  }

  /** Whether the thread is inside an event. */
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

  /** Runs `work` after the current event and its microtasks. */
  afterEvent(work: () => void): void {
    this.#afterEvent.push(work);
  }

  #endEvent(): void {
    drainMicrotasks();
    for (const work of this.#afterEvent.splice(0)) work();
  }

  /** Runs `work` as an incident after this many events. */
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

  /** Runs events until `isOver`, or until only `unref`ed timers are left. */
  run(isOver: () => boolean): void {
    while (!isOver() && !this.isDead && this.#vital > 0) {
      const thread = this.#next(this.#threads);
      if (thread === undefined) return;
      if (this.#perform(thread)) this.#endEvent();
      this.#befall();
      this.#assertBounded();
    }
  }

  /** The thread with the earliest event. */
  #next(threads: readonly VirtualThread[]): VirtualThread | undefined {
    let next: VirtualThread | undefined;
    for (const thread of threads) {
      if (isBefore(thread.events.first, next?.events.first)) next = thread;
      else if (next === undefined && thread.events.first !== undefined) next = thread;
    }
    return next;
  }

  /** Reports a finding and stops the simulation. */
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
   * Blocks the running thread until `isOver`, and runs the events of `others` one at a time.
   * @returns false if the wait can never end: the others are idle, or the blocked thread has ended
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

  /** Runs the thread's next event. False: the thread is busy, so the event did not run. */
  #perform(thread: VirtualThread): boolean {
    const event = thread.events.shift();
    if (event === undefined) return false;
    this.cancel(event);
    // Busy: run the event later, or never if the thread waits forever.
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
 * Messages in transit to a thread. As in Bun, all messages that have arrived on a channel are delivered together, so a
 * message can overtake an earlier one on another channel. Otherwise a message on a port between Workers arrives after
 * earlier messages of the parent, possibly much later; with `overtaking`, any message on a port may be the first.
 */
export class Channel {
  readonly #world: World;
  readonly #waiting: { readonly sentAt: number; readonly deliver: () => void }[] = [];
  readonly #port: string | undefined;
  to: VirtualThread;

  /** @param port name of the port; undefined between a Worker and its parent */
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
      world.schedule(this.to, messages, world.latencyMs + world.mainDelayMs, handOver);
      return;
    }
    const before = world.mayOvertake ? 0 : (this.to.lastAt.get(messages) ?? 0);
    const wait = Math.max(before - world.now, 0) + world.latencyMs;
    world.schedule(this.to, this.#port, wait + world.delayMs, handOver);
  }

  #handOver(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      // The sender's clock may be ahead of the receiver's: do not deliver a message from the future.
      if (!this.to.isAlive || next.sentAt > this.#world.now) return;
      this.#waiting.shift();
      next.deliver();
      this.#world.nextOfTurn();
    }
  }
}

const messages = "messages";

/** Binds `work` to the current async context. */
export const inContext = (work: () => void): (() => void) => {
  const restore = AsyncLocalStorage.snapshot();
  return () => restore(work);
};
