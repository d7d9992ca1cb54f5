// Simulated threads: the real Host and the real Writer behind the interface of a Worker. A message is copied and takes
// time, and a thread can die between any two of its messages.

import type { WorkerThread } from "../../src/executors/threads/worker.ts";
import type { WriterThread } from "../../src/engine/run-options.ts";
import type { MessageHandle } from "../../src/api/message.ts";
import type {
  Assignment,
  FromWorker,
  FromWriter,
  ToWorker,
  ToWriter,
} from "../../src/protocol/messages.ts";
import { unpackAssignments } from "../../src/protocol/codec/assignments.ts";
import { openReader, type Reader } from "../../src/store/read/reader.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Host } from "../../src/worker/host.ts";
import { Writer } from "../../src/store/write/writer.ts";
import { SimulatedPort } from "./globals.ts";
import { Channel, type VirtualThread, type World } from "./world.ts";

/** Thrown in the code of a thread that has ended. Code that catches it has no effect. */
export class ThreadEnded extends Error {
  override readonly name = "ThreadEnded";
}

/** A structured clone. Ports are transferred to the receiving thread, and shared memory stays shared. */
function sent<T>(message: T, to: VirtualThread): T {
  if (typeof message !== "object" || message === null) return message;
  if (!Object.values(message).some((member) => member instanceof SimulatedPort)) {
    return structuredClone(message);
  }
  for (const member of Object.values(message)) {
    if (member instanceof SimulatedPort) member.owner = to;
  }
  return { ...message };
}

/**
 * When a thread dies, counted in its posts to main and to the writer. Never at the first post (`ready`): a thread that
 * dies while it loads the module ends the run.
 */
export type Death = {
  readonly atPost: number;
  /** True: the thread dies after this post is sent, but before its credits are spent. */
  readonly after: boolean;
};

export type TaskThreadEvents = {
  dispatched(assignments: readonly Assignment[]): void;
  ended(thread: VirtualThread): void;
  opened(reader: Reader): void;
};

/** A thread of another machine. */
export type Elsewhere = {
  readonly parent: VirtualThread;
  /** What `ctx.query` reads now. The run would be asked for it. */
  db(): string;
  /** Another number: connections to databases are closed, with the process that they were simulated in. */
  epoch(): number;
};

export class SimulatedTaskThread implements WorkerThread {
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly thread: VirtualThread;
  /** `process.exit` of this thread. */
  exit: (code: number) => never = () => {
    throw new Error("Internal error: the host has not started");
  };
  readonly #world: World;
  readonly #events: TaskThreadEvents;
  readonly #death: Death | undefined;
  readonly #parent: VirtualThread;
  readonly #host: Host;
  readonly #in: Channel;
  readonly #out: Channel;
  #onClose: ((event: CloseEvent) => void) | undefined;
  #posts = 0;
  #cells: Int32Array | undefined;
  #reader: Reader | undefined;
  #epoch = 0;
  #isStopping = false;

  constructor(
    world: World,
    name: string,
    death: Death | undefined,
    events: TaskThreadEvents,
    elsewhere?: Elsewhere,
  ) {
    this.#world = world;
    this.#death = death;
    this.#events = events;
    this.thread = world.thread(name);
    this.#in = new Channel(world, this.thread);
    this.#parent = elsewhere?.parent ?? world.main;
    this.#out = new Channel(world, this.#parent);
    this.#host = new Host({
      post: (message) => this.#post(() => this.#tellMain(message)),
      load: async () => undefined,
      query: ({ db: own }, sql, params) => {
        const db = elsewhere?.db() ?? own;
        if (db === null) throw new Error("a task cannot read a database in memory");
        const epoch = elsewhere?.epoch() ?? 0;
        if (epoch !== this.#epoch || this.#reader === undefined) {
          this.#reader = this.#openReader(db);
          this.#epoch = epoch;
        }
        return this.#reader.query(sql, params);
      },
      closeReader: () => {
        this.#reader?.close();
        this.#reader = undefined;
      },
      exit: (code) => {
        this.die(code);
        throw new ThreadEnded();
      },
      cpuMs: undefined,
      globals: {
        capturePrints: () => undefined,
        onUncaught: (handle) => {
          this.thread.onUncaught = handle;
        },
        onExit: (handle) => {
          this.exit = handle;
        },
        onProgram: () => undefined,
      },
      clock: systemClock,
    });
  }

  /** Registers the reader, because the simulation must close it at its end, as the kernel does at process exit. */
  #openReader(db: string): Reader {
    const reader = openReader(db);
    this.#events.opened(reader);
    return reader;
  }

  addEventListener(_type: "close", listener: (event: CloseEvent) => void): void {
    this.#onClose = listener;
  }

  /** Called on main. */
  postMessage(message: ToWorker): void {
    if (message.type === "assign") this.#events.dispatched(unpackAssignments(message.tasks));
    const copy = sent(message, this.thread);
    this.#in.send(() => this.#receive(copy));
  }

  /** Called on main. The thread continues for a short time. */
  terminate(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#world.schedule(this.#world.outside, "", this.#world.latencyMs, () => this.die(0));
  }

  #receive(message: ToWorker): void {
    if (message.type === "boot") {
      this.#cells = new Int32Array(message.memory);
      const { port } = message;
      if (port instanceof SimulatedPort) port.send = (deliver) => this.#post(deliver);
    }
    this.#host.receive(message);
  }

  #tellMain(message: FromWorker): void {
    const copy = sent(message, this.#parent);
    this.#out.send(() => this.onmessage?.(new MessageEvent("message", { data: copy })));
  }

  #post(leave: () => void): void {
    if (!this.thread.isAlive || this.#world.isDead) return;
    if (++this.#posts !== this.#death?.atPost) return leave();
    if (this.#death.after) leave();
    this.die(1);
  }

  /** Ends the thread: its code has no further effects. */
  die(code: number): void {
    const { thread } = this;
    if (!thread.isAlive) return;
    this.#world.end(thread);
    this.#events.ended(thread);
    const cells = this.#cells;
    const atDeath = cells?.slice();
    this.#out.send(() => this.#onClose?.(new CloseEvent("close", { code })));
    if (cells === undefined || atDeath === undefined || !this.#world.isRunning(thread)) return;
    // The running event cannot be interrupted, so undo its writes to shared memory when it ends.
    this.#world.afterEvent(() => {
      for (const [index, cell] of atDeath.entries()) Atomics.store(cells, index, cell);
    });
  }
}

/** The real writer as a thread. */
export class SimulatedWriterThread implements WriterThread {
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly thread: VirtualThread;
  readonly #world: World;
  readonly #in: Channel;
  readonly #out: Channel;
  readonly #writer: Writer;
  #onClose: ((event: CloseEvent) => void) | undefined;

  constructor(world: World, thread: VirtualThread, handles: readonly MessageHandle<never>[]) {
    this.thread = thread;
    this.#world = world;
    this.#in = new Channel(world, thread);
    this.#out = new Channel(world, world.main);
    this.#writer = new Writer({
      post: (message) => this.#tellMain(message),
      messages: async () => handles,
      later: (work) => void setImmediate(work),
      after: (ms, work) => void setTimeout(work, ms),
      now: () => performance.now(),
      wall: () => Date.now(),
    });
    thread.onUncaught = (thrown) =>
      this.onerror?.(new ErrorEvent("error", { error: thrown, message: String(thrown) }));
  }

  addEventListener(_type: "close", listener: (event: CloseEvent) => void): void {
    this.#onClose = listener;
  }

  postMessage(message: ToWriter): void {
    const copy = sent(message, this.thread);
    this.#in.send(() => this.#writer.receive(copy));
  }

  #tellMain(message: FromWriter): void {
    if (!this.thread.isAlive || this.#world.isDead) return;
    const copy = sent(message, this.#world.main);
    this.#out.send(() => this.onmessage?.(new MessageEvent("message", { data: copy })));
  }

  terminate(): void {
    if (this.thread.isAlive) this.#world.end(this.thread);
  }

  /** Ends the thread and notifies main by `close`. */
  die(code: number): void {
    if (!this.thread.isAlive) return;
    this.#world.end(this.thread);
    this.#out.send(() => this.#onClose?.(new CloseEvent("close", { code })));
  }
}
