// One process that is simulated: the real Run on a virtual main thread, the real Writer and Hosts on theirs.

import type { MessageHandle } from "../../src/api/message.ts";
import { Run } from "../../src/engine/run.ts";
import type { RunOptions } from "../../src/engine/run-options.ts";
import { threadExecutors } from "../../src/executors/threads/worker-pool.ts";
import type { RunEvent } from "../../src/protocol/events.ts";
import { type Failure, toFailure } from "../../src/base/failure.ts";
import type { Assignment } from "../../src/protocol/messages.ts";
import type { RunSummary } from "../../src/protocol/summary.ts";
import type { Reader } from "../../src/store/read/reader.ts";
import { type StatementHook, withStatementHook } from "./disk.ts";
import { withGlobals } from "./globals.ts";
import { type Death, SimulatedTaskThread, SimulatedWriterThread } from "./threads.ts";
import type { VirtualThread, World } from "./world.ts";

/** What the process itself brings to a run. */
type FromProcess = "module" | "createExecutors" | "spawnWriter" | "onEvents" | "onOutput";

export type Program = {
  /** Called in the process: what a pipeline file does when it is loaded, it does there. */
  load(): {
    readonly options: Omit<RunOptions, FromProcess>;
    readonly handles: readonly MessageHandle<never>[];
  };
  /** How the thread of this number is to die by itself. */
  deathOf?(thread: number): Death | undefined;
  /** At each of the writer's statements. */
  onStatement?: StatementHook;
  /** After a commit, on the main thread. */
  onEvent?(event: RunEvent): void;
  /** Tasks are handed to a thread. */
  onDispatch?(assignments: readonly Assignment[]): void;
  onThread?(thread: SimulatedTaskThread): void;
  onThreadEnd?(thread: VirtualThread): void;
  /** The run was told to stop, right now. */
  onStop?(): void;
  /** The run has ended, right now. */
  onEnd?(): void;
};

export class SimulatedProcess {
  readonly world: World;
  readonly events: RunEvent[] = [];
  readonly output: string[] = [];
  summary: RunSummary | undefined;
  /** Why `start` threw. */
  refused: Failure | undefined;
  /** When the run had ended, by the virtual clock. */
  endedMs = 0;
  isStarted = false;
  readonly #program: Program;
  readonly #writer: VirtualThread;
  #writerThread: SimulatedWriterThread | undefined;
  readonly #readers: Reader[] = [];
  #threads = 0;
  #run: Run | undefined;

  constructor(world: World, program: Program) {
    this.world = world;
    this.#program = program;
    this.#writer = world.thread("writer");
  }

  /**
   * Until nothing is left to do, or the process is dead. Synchronous: meanwhile nothing else of this real process runs.
   * @throws Finding
   */
  run(): void {
    const { world } = this;
    try {
      withStatementHook(
        (db, sql, when) => {
          if (world.current !== this.#writer || world.isDead) return;
          this.#program.onStatement?.(db, sql, when);
        },
        () =>
          withGlobals(
            world,
            (isOver, giveRoom) => this.#block(isOver, giveRoom),
            () => this.#perform(),
          ),
      );
    } finally {
      for (const reader of this.#readers) reader.close();
    }
    if (world.finding !== undefined) throw world.finding;
  }

  /** As Ctrl-C does it: the signal's handler runs when the main thread comes to it. */
  stop(isUrgent: boolean): void {
    this.world.schedule(this.world.main, "", 0, () => {
      this.#run?.stop(isUrgent);
      if (this.#run !== undefined) this.#program.onStop?.();
    });
  }

  #perform(): void {
    const { world } = this;
    world.schedule(world.main, "", 0, () => this.#start());
    world.run(() => this.summary !== undefined || this.refused !== undefined);
    // What goes on after the end must not throw either.
    world.run(() => false);
  }

  #start(): void {
    const { options, handles } = this.#program.load();
    const run = new Run({
      ...options,
      module: { kind: "builtin", name: "simulated" },
      createExecutors: threadExecutors(() => this.#spawn()),
      spawnWriter: () => this.#spawnWriter(handles),
      onEvents: (events) => this.#announced(events),
      onOutput: (level, line) => this.output.push(`${level}: ${line}`),
    });
    this.#run = run;
    this.isStarted = true;
    void this.#follow(run);
  }

  async #follow(run: Run): Promise<void> {
    try {
      this.summary = await run.start();
    } catch (thrown) {
      this.refused = toFailure(thrown);
    }
    this.endedMs = this.world.now;
    this.#program.onEnd?.();
  }

  #announced(events: readonly RunEvent[]): void {
    if (this.world.isDead) return;
    for (const event of events) {
      this.events.push(event);
      this.#program.onEvent?.(event);
    }
  }

  #spawnWriter(handles: readonly MessageHandle<never>[]): SimulatedWriterThread {
    this.#writerThread = new SimulatedWriterThread(this.world, this.#writer, handles);
    return this.#writerThread;
  }

  /** The writer's thread ends by itself, if it runs. */
  endWriter(): boolean {
    if (this.#writerThread === undefined || !this.#writer.isAlive) return false;
    this.#writerThread.die(1);
    return true;
  }

  #spawn(): SimulatedTaskThread {
    const number = this.#threads++;
    const death = this.#program.deathOf?.(number);
    const thread = new SimulatedTaskThread(this.world, `thread ${number}`, death, {
      dispatched: (assignments) => this.#program.onDispatch?.(assignments),
      ended: (ended) => this.#program.onThreadEnd?.(ended),
      opened: (reader) => this.#readers.push(reader),
    });
    this.#program.onThread?.(thread);
    return thread;
  }

  /** A task thread waits for room: the writer gives it, and main must not keep the writer from it. */
  #block(isOver: () => boolean, giveRoom: () => void): void {
    const { world } = this;
    const isGone = (): boolean => world.isDead || !world.current.isAlive;
    // Its code still has to come to an end, though without an effect.
    if (isGone()) return giveRoom();
    // From outside it may be ended.
    if (world.block([this.#writer, world.main, world.outside], isOver)) return;
    // A limit of one real thread for all: promises are not settled while a simulated thread blocks, and what would give it
    // room may wait for one. A run that does hang is found at its end.
    giveRoom();
  }
}
