// A simulated process: the real Run on a virtual main thread, and the real Writer and Hosts on virtual threads.

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
import { type EngineCalls, SimulatedEngine } from "./engine.ts";
import type { EnginePlan } from "./scenario.ts";
import {
  type Death,
  type Elsewhere,
  SimulatedTaskThread,
  SimulatedWriterThread,
  type TaskThreadEvents,
} from "./threads.ts";
import type { VirtualThread, World } from "./world.ts";

/** Options that the simulated process provides itself. */
type FromProcess =
  "trigger" | "version" | "module" | "createExecutors" | "spawnWriter" | "onEvents" | "onOutput";

export type Program = {
  /** Called in the simulated process in place of loading the pipeline file. */
  load(): {
    readonly options: Omit<RunOptions, FromProcess>;
    readonly handles: readonly MessageHandle<never>[];
  };
  /** The tasks run on machines. */
  readonly engine?: EnginePlan;
  /** Nothing that these threads do from now on counts. */
  onGivenUp?(threads: readonly VirtualThread[]): void;
  /** When the thread of this number dies; undefined: never. */
  deathOf?(thread: number): Death | undefined;
  /** Called at each statement of the writer. */
  onStatement?: StatementHook;
  /** Called on the main thread after a commit. */
  onEvent?(event: RunEvent): void;
  /** Called when tasks are assigned to a thread. */
  onDispatch?(assignments: readonly Assignment[]): void;
  onThread?(thread: SimulatedTaskThread): void;
  onThreadEnd?(thread: VirtualThread): void;
  /** These tasks go on, which machines have begun for the process before. */
  onGoOn?(ids: readonly number[], threads: readonly VirtualThread[]): void;
  /** Called when the run is asked to stop. */
  onStop?(): void;
  /** Called when the run has ended. */
  onEnd?(): void;
};

/** Typical time until a process that was killed is started again. */
const restartMs = 12_000;
/** Machines never rest, so a wait that cannot end would go on with them. */
const mostBlockedMs = 30_000;

export class SimulatedProcess {
  readonly world: World;
  readonly events: RunEvent[] = [];
  readonly output: string[] = [];
  summary: RunSummary | undefined;
  /** The error that `Run.start` threw. */
  refused: Failure | undefined;
  /** Virtual time of the end of the run. */
  endedMs = 0;
  isStarted = false;
  readonly #program: Program;
  readonly #writer: VirtualThread;
  #writerThread: SimulatedWriterThread | undefined;
  readonly #readers: Reader[] = [];
  #threads = 0;
  #run: Run | undefined;
  engine: SimulatedEngine | undefined;
  /** Virtual time. */
  startedMs: number;
  #isKilled = false;

  /** @param before has died, and its machines live on */
  constructor(world: World, program: Program, before?: SimulatedProcess) {
    this.world = world;
    this.#program = program;
    this.startedMs = world.now;
    if (before !== undefined) {
      world.newProcess();
      this.engine = before.engine;
      this.#readers.push(...before.#readers);
      this.startedMs += world.random.skewed(restartMs);
    }
    this.#writer = world.thread("writer");
  }

  /**
   * Runs until no event is left or the process is dead. Synchronous, so no other code of the real process interleaves.
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
      // Those of machines are used as long as these live.
      if (!this.#isKilled || world.isDead) for (const reader of this.#readers) reader.close();
    }
    if (world.finding !== undefined) throw world.finding;
  }

  /** Like Ctrl-C: the signal handler runs as an event of the main thread. */
  stop(isUrgent: boolean): void {
    this.world.schedule(this.world.main, "", 0, () => {
      this.#run?.stop(isUrgent);
      if (this.#run !== undefined) this.#program.onStop?.();
    });
  }

  #perform(): void {
    const { world } = this;
    world.schedule(world.main, "", this.startedMs - world.now, () => this.#start());
    world.run(() => this.summary !== undefined || this.refused !== undefined || this.#isKilled);
    // Continue after the end: code that still runs must not throw.
    world.run(() => this.#isKilled);
  }

  /** Only this process ends, and not its machines. */
  die(): void {
    this.#isKilled = true;
    this.world.end(this.world.main);
    if (this.#writer.isAlive) this.world.end(this.#writer);
    this.engine?.runDied();
  }

  #start(): void {
    const { options, handles } = this.#program.load();
    this.#startEngine(options.writer.db);
    const run = new Run({
      ...options,
      trigger: "library",
      version: "0.0.0",
      // Machines know its code by it.
      module: { kind: "builtin", name: `simulated ${options.code}` },
      createExecutors: this.engine?.createExecutors ?? threadExecutors(() => this.#spawn()),
      spawnWriter: () => this.#spawnWriter(handles),
      onEvents: (events) => this.#announced(events),
      onOutput: (level, line) => this.output.push(`${level}: ${line}`),
    });
    this.#run = run;
    this.isStarted = true;
    void this.#follow(run);
  }

  #startEngine(db: string): void {
    const { engine: plan } = this.#program;
    if (plan === undefined) return;
    const calls: EngineCalls = {
      spawn: (parent) =>
        this.#spawn({
          parent,
          db: () => this.engine?.calls.db ?? db,
          epoch: () => this.engine?.epoch ?? 0,
        }),
      ended: (thread) => this.#program.onThreadEnd?.(thread),
      opened: (reader) => this.#readers.push(reader),
      db,
      goOn: (...gone) => this.#program.onGoOn?.(...gone),
      taken: (assignments) => this.#program.onDispatch?.(assignments),
      givenUp: (threads) => this.#program.onGivenUp?.(threads),
      output: (line) => this.output.push(line),
    };
    if (this.engine === undefined) this.engine = new SimulatedEngine(this.world, plan, calls);
    else this.engine.runBegins(calls);
  }

  async #follow(run: Run): Promise<void> {
    try {
      this.summary = await run.start();
    } catch (thrown) {
      this.refused = toFailure(thrown);
    }
    this.endedMs = this.world.now;
    this.engine?.end();
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

  /** Ends the writer's thread, if it runs. */
  endWriter(): boolean {
    if (this.#writerThread === undefined || !this.#writer.isAlive) return false;
    this.#writerThread.die(1);
    return true;
  }

  #spawn(elsewhere?: Elsewhere): SimulatedTaskThread {
    const number = this.#threads++;
    const death = this.#program.deathOf?.(number);
    const { engine } = this;
    const events: TaskThreadEvents = {
      dispatched: (assignments) => {
        if (elsewhere === undefined) this.#program.onDispatch?.(assignments);
      },
      ended: (ended) => {
        if (engine === undefined) this.#program.onThreadEnd?.(ended);
        else engine.calls.ended(ended);
      },
      opened: (reader) => {
        if (engine === undefined) this.#readers.push(reader);
        else engine.calls.opened(reader);
      },
    };
    const name = `thread ${number}`;
    const thread = new SimulatedTaskThread(this.world, name, death, events, elsewhere);
    this.#program.onThread?.(thread);
    return thread;
  }

  /** A task thread blocks for credits. Runs the writer and main until the writer returns some. */
  #block(isOver: () => boolean, giveRoom: () => void): void {
    const { world } = this;
    const isGone = (): boolean => world.isDead || !world.current.isAlive;
    // A dead thread's code must still return, although its effects are discarded.
    if (isGone()) return giveRoom();
    // Events from outside may end the thread.
    const others = [this.#writer, world.main, world.outside, ...(this.engine?.mains ?? [])];
    const until = world.now + mostBlockedMs;
    const mayGoOn = (): boolean => isOver() || (this.engine !== undefined && world.now > until);
    if (world.block(others, mayGoOn) && isOver()) return;
    // Limitation of simulating on one real thread: promises do not settle while a simulated thread blocks, and the code
    // that would return credits may wait for one. A run that really hangs is found at its end.
    giveRoom();
  }
}
