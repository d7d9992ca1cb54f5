// Simulated replacements for the runtime's clock, timers, random numbers and ports.

import { drainMicrotasks } from "bun:jsc";

import { systemClock } from "../../src/base/clock.ts";
import { channels } from "../../src/base/globals.ts";
import type { Event } from "./event-queue.ts";
import { Channel, inContext, type VirtualThread, type World } from "./world.ts";

/** One end of a simulated channel. Like a real port, it queues messages until it has a handler. */
export class SimulatedPort {
  readonly #world: World;
  readonly #incoming: Channel;
  #handler: ((event: MessageEvent) => void) | null = null;
  readonly #arrived: unknown[] = [];
  #isClosed = false;
  peer: SimulatedPort | undefined;
  /** Wraps the delivery of each outgoing message, for fault injection. */
  send: (deliver: () => void) => void = (deliver) => deliver();

  constructor(world: World, name: string) {
    this.#world = world;
    this.#incoming = new Channel(world, world.current, name);
  }

  /** The thread that owns the port. */
  get owner(): VirtualThread {
    return this.#incoming.to;
  }

  set owner(thread: VirtualThread) {
    this.#incoming.to = thread;
  }

  get onmessage(): ((event: MessageEvent) => void) | null {
    return this.#handler;
  }

  set onmessage(handler: ((event: MessageEvent) => void) | null) {
    this.#handler = handler;
    this.#world.schedule(this.owner, "", 0, () => this.#handOver());
  }

  postMessage(data: unknown): void {
    const { peer } = this;
    if (peer === undefined) throw new Error("Internal error: a port without its other end");
    this.send(() => peer.#incoming.send(() => peer.#arrive(data)));
  }

  #arrive(data: unknown): void {
    this.#arrived.push(data);
    this.#handOver();
  }

  #handOver(): void {
    while (this.#handler !== null && this.#arrived.length > 0 && !this.#isClosed) {
      this.#handler(new MessageEvent("message", { data: this.#arrived.shift() }));
    }
  }

  close(): void {
    this.#isClosed = true;
  }
}

function channelClass(world: World): new () => unknown {
  let opened = 0;
  return class SimulatedChannel {
    readonly port1: SimulatedPort;
    readonly port2: SimulatedPort;
    constructor() {
      const name = `port ${opened++}`;
      this.port1 = new SimulatedPort(world, name);
      this.port2 = new SimulatedPort(world, name);
      this.port1.peer = this.port2;
      this.port2.peer = this.port1;
    }
  };
}

class SimulatedTimer {
  readonly #world: World;
  event: Event | undefined;
  /** The timer keeps the process alive. */
  isVital = true;

  constructor(world: World) {
    this.#world = world;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    this.isVital = false;
    if (this.event !== undefined) this.#world.unref(this.event);
    return this;
  }
  clear(): void {
    if (this.event !== undefined) this.#world.cancel(this.event);
    this.event = undefined;
  }
}

/** Credits (protocol/shared/credits.ts), more than a thread spends in one event. */
const muchRoom = 1_000_000;
const mostLateMs = 2;

type Work = (...args: unknown[]) => void;

/** `setTimeout` and related functions; a timer belongs to the thread that calls them. */
class Timers {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  get members(): Record<string, unknown> {
    return {
      setTimeout: (work: Work, ms?: unknown, ...args: unknown[]) =>
        this.#start(work, ms, args, false),
      setInterval: (work: Work, ms?: unknown, ...args: unknown[]) =>
        this.#start(work, ms, args, true),
      setImmediate: (work: Work, ...args: unknown[]) => this.#immediate(work, args),
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    };
  }

  #start(work: Work, ms: unknown, args: unknown[], isRepeated: boolean): SimulatedTimer {
    const timer = new SimulatedTimer(this.#world);
    const thread = this.#world.current;
    const bound = inContext(() => callIn(thread, () => work(...args)));
    this.#arm(timer, thread, Math.max(Number(ms ?? 0) || 0, 1), bound, isRepeated);
    return timer;
  }

  #arm(
    timer: SimulatedTimer,
    thread: VirtualThread,
    ms: number,
    work: () => void,
    isRepeated: boolean,
  ): void {
    const late = this.#world.random.skewed(mostLateMs);
    timer.event = this.#world.schedule(
      thread,
      `timer${ms}`,
      ms + late,
      () => {
        timer.event = undefined;
        if (isRepeated) this.#arm(timer, thread, ms, work, isRepeated);
        work();
      },
      timer.isVital,
    );
  }

  #immediate(work: Work, args: unknown[]): SimulatedTimer {
    const thread = this.#world.current;
    const bound = inContext(() => callIn(thread, () => work(...args)));
    const timer = new SimulatedTimer(this.#world);
    timer.event = this.#world.schedule(thread, "immediate", 0, bound);
    return timer;
  }
}

/** Reports an uncaught error in the async context of the throw, as Bun does for timers. */
function callIn(thread: VirtualThread, work: () => void): void {
  try {
    work();
  } catch (thrown) {
    thread.onUncaught(thrown);
  }
}

function clear(timer: unknown): void {
  if (timer instanceof SimulatedTimer) timer.clear();
}

/**
 * Runs the other threads while a thread blocks in `Atomics.wait`.
 * @param giveRoom adds credits, which ends the wait
 */
export type Blocking = (isOver: () => boolean, giveRoom: () => void) => void;

/** Runs `work` with the simulated globals. */
export function withGlobals<T>(world: World, blocking: Blocking, work: () => T): T {
  const SimulatedChannel = channelClass(world);
  const places: readonly (readonly [object, Record<string, unknown>])[] = [
    [globalThis, new Timers(world).members],
    [
      systemClock,
      {
        now: () => world.read(),
        wall: () => world.wallMs,
        after: (ms: number, call: Work) => setTimeout(call, ms),
        every: (ms: number, call: Work) => setInterval(call, ms),
        cancel: clear,
        soon: (call: Work) => void setImmediate(call),
      },
    ],
    [channels, { open: () => new SimulatedChannel() }],
    [performance, { now: () => world.read() }],
    [Date, { now: () => world.wallMs }],
    [Math, { random: () => world.random.next() }],
    [Bun, { sleepSync: (ms: number) => void (world.current.now += ms) }],
    [
      Atomics,
      {
        wait: (cells: Int32Array, index: number, value: number) => {
          const isOver = (): boolean => Atomics.load(cells, index) !== value;
          blocking(isOver, () => void Atomics.add(cells, index, muchRoom));
          return "ok";
        },
      },
    ],
  ];
  // Run pending microtasks first: they must not see the simulated clock.
  drainMicrotasks();
  const undo = places.map(([place, members]) => replace(place, members));
  try {
    return work();
  } finally {
    for (const restore of undo.toReversed()) restore();
  }
}

function replace(place: object, members: Record<string, unknown>): () => void {
  const before = Object.keys(members).map((key) => [key, Reflect.get(place, key)] as const);
  for (const [key, value] of Object.entries(members)) Reflect.set(place, key, value);
  return () => {
    for (const [key, value] of before) Reflect.set(place, key, value);
  };
}
