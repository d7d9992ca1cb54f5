// Records the attempts while they run: thread, times, input, and outcome.

import type { TaskContext } from "../../src/api/context.ts";
import type { TaskFinished } from "../../src/protocol/events.ts";
import type { Assignment } from "../../src/protocol/messages.ts";
import type { RunSummary } from "../../src/protocol/summary.ts";
import type { TaskInput } from "./paper.ts";
import type { Kind, Scenario, Session, Settings } from "./scenario.ts";
import type { SimulatedTaskThread } from "./threads.ts";
import type { VirtualThread, World } from "./world.ts";

export type Trace = {
  /** Where it runs now: attempts on machines may outlive their session. */
  home: Stage;
  readonly kind: number;
  readonly path: string;
  readonly task: number;
  readonly attempt: number;
  readonly input: string;
  readonly cursor: unknown;
  readonly thread: VirtualThread;
  readonly begunAt: number;
  /** Time from which pipeloom no longer waits for the attempt. */
  readonly givenUpAt: number;
  /** Time when the script returned or its thread ended. */
  endedAt: number | undefined;
  isLost: boolean;
  /** The run had given its machine up before it heard of its end: another attempt of the same number may have taken its place. */
  isGivenUp: boolean;
  /** Expected log lines. */
  readonly lines: string[];
  /** Own rows that a query returned, with the bounds: at least the committed rows, at most the rows sent. */
  readonly reads: { readonly rows: number; readonly least: number; readonly most: number }[];
  /** Leftover code, to run after the script's return. */
  readonly afterReturn: (() => void)[];
  /** Results of the awaited checkpoints. */
  readonly checkpoints: { readonly cursor: string; readonly isCommitted: boolean }[];
  /** Results of the rows sent after the script's return, by step. */
  readonly lateRows: Map<number, "accepted" | "refused">;
  /** The start of the attempt was announced. */
  isStartKnown: boolean;
  /** The end of the attempt was announced. */
  isOver: boolean;
  /** Time when main received the end of the attempt. */
  overAt: number | undefined;
  /** `ctx` accepted a send after the end was announced. */
  acceptedLate: boolean;
};

/**
 * Time after its timeout until pipeloom abandons an attempt that ignores its signal. Until then it counts for limits.
 */
const givenUpAfterMs = 2_000;

/** Duration of a slow hook: 10 s are enough for all hooks of one run, unless the main thread is slow too. */
const hookMs = 3;

type Dispatch = {
  readonly id: number;
  readonly name: string;
  readonly attempt: number;
  readonly at: number;
};

export class Stage {
  readonly world: World;
  readonly traces: Trace[] = [];
  readonly dispatches: Dispatch[] = [];
  readonly hookedIds: number[] = [];
  /** From now on, no attempt may begin. */
  isStopped = false;
  hooksUnderWay = 0;
  hooksUnderWayAtEnd = 0;
  hookedSummary: RunSummary | undefined;
  readonly #scenario: Scenario;
  readonly #session: Session;
  readonly #threads = new Map<VirtualThread, SimulatedTaskThread>();
  readonly #open = new Set<Trace>();
  readonly #byTask = new Map<number, Trace[]>();

  readonly #before: Stage | undefined;
  /** Tasks of the session before that go on. */
  readonly goneOn = new Set<number>();
  readonly #takenOver = new Set<VirtualThread>();

  /** @param before of the session whose machines live on */
  constructor(world: World, scenario: Scenario, session: Session, before?: Stage) {
    this.world = world;
    this.#before = before;
    this.#scenario = scenario;
    this.#session = session;
  }

  /** See Scenario. */
  get createsTables(): boolean {
    return this.#scenario.createsTables === true;
  }

  /** See Scenario. Without pipeloom's tables there is no state. */
  get keepsState(): boolean {
    return this.#scenario.keepsState === true && this.#scenario.storeTaskStatus;
  }

  /** The start of an attempt is committed, and not its end. */
  get isBusy(): boolean {
    return this.traces.some(
      ({ isStartKnown, isOver, isLost, isGivenUp }) =>
        isStartKnown && !isOver && !isLost && !isGivenUp,
    );
  }

  started(id: number, attempt: number): void {
    for (const trace of this.#byTask.get(id) ?? []) {
      if (trace.attempt === attempt) trace.isStartKnown = true;
    }
  }

  spawned(thread: SimulatedTaskThread): void {
    this.#threads.set(thread.thread, thread);
  }

  // ── what the scripts call ──

  begin(index: number, kind: Kind, input: TaskInput, ctx: TaskContext): Trace {
    const path = kind.isTicket === true ? ctx.task.name : input.id;
    const trace: Trace = {
      home: this,
      kind: index,
      path,
      task: ctx.task.id,
      attempt: ctx.attempt,
      input: JSON.stringify(input),
      cursor: ctx.cursor,
      thread: this.world.current,
      begunAt: this.world.now,
      givenUpAt: this.world.now + this.#timeoutOf(index, path) + givenUpAfterMs,
      endedAt: undefined,
      isLost: false,
      isGivenUp: false,
      lines: [],
      reads: [],
      afterReturn: [],
      checkpoints: [],
      lateRows: new Map(),
      isStartKnown: false,
      isOver: false,
      overAt: undefined,
      acceptedLate: false,
    };
    if (!trace.thread.isAlive || this.world.isDead || this.#isForeign(trace.thread)) return trace;
    if (ctx.task.name !== path) {
      this.world.fail(
        `task ${ctx.task.id} is called ${ctx.task.name} and has the input of ${path}`,
      );
    }
    // On another machine, it may not have heard of it yet.
    if (this.isStopped && this.#session.engine === undefined)
      this.world.fail(`${path} begins after the run was told to stop`);
    this.traces.push(trace);
    const others = this.#byTask.get(trace.task);
    if (others === undefined) this.#byTask.set(trace.task, [trace]);
    else others.push(trace);
    this.#open.add(trace);
    this.#assertLimits(trace);
    return trace;
  }

  /** Of a machine that has not heard that the session before has died: what it begins counts for nobody. */
  #isForeign(thread: VirtualThread): boolean {
    return this.#before?.knows(thread) === true && !this.#takenOver.has(thread);
  }

  knows(thread: VirtualThread): boolean {
    return this.#threads.has(thread) || this.#before?.knows(thread) === true;
  }

  returned(trace: Trace): void {
    if (!trace.thread.isAlive || trace.isGivenUp) return;
    trace.home.#open.delete(trace);
    trace.endedAt = this.world.now;
    for (const forgotten of trace.afterReturn) forgotten();
  }

  /** Ignores lines of an abandoned attempt: pipeloom marks these lines, and the run does not wait for them. */
  logged({ lines, givenUpAt }: Trace, said: string): void {
    if (this.world.now < givenUpAt) lines.push(...said.split("\n"));
  }

  /** Blocks the thread: no other event of it runs in this time. */
  block(ms: number): Promise<void> {
    const { current } = this.world;
    return new Promise((resolve) => {
      this.world.schedule(current, "block", ms, resolve);
      this.world.afterEvent(() => {
        current.now = Math.max(current.now, this.world.now + ms);
      });
    });
  }

  exit(): never {
    const thread = this.#threadOf(this.world.current);
    if (thread === undefined) throw new Error("Internal error: a task runs outside a thread");
    return thread.exit(3);
  }

  #threadOf(current: VirtualThread): SimulatedTaskThread | undefined {
    const known = this.#threads.get(current);
    return known !== undefined || this.#before === undefined
      ? known
      : this.#before.#threadOf(current);
  }

  // ── what the threads and the run say ──

  dispatched(assignments: readonly Assignment[]): void {
    for (const { id, name, attempt } of assignments) {
      this.dispatches.push({ id, name, attempt, at: this.world.now });
    }
  }

  /** These tasks go on, and these threads work for this session from now on. */
  goOn(ids: readonly number[], threads: readonly VirtualThread[]): void {
    for (const thread of threads) this.#takenOver.add(thread);
    for (const id of ids) {
      const trace = this.#before?.lastTraceOf(id);
      if (trace === undefined || trace.home === this) continue;
      this.goneOn.add(id);
      if (trace.home.#open.delete(trace)) this.#open.add(trace);
      trace.home = this;
      // The session before has been judged by them.
      trace.checkpoints.splice(0);
      this.traces.push(trace);
      this.#byTask.set(id, [...(this.#byTask.get(id) ?? []), trace]);
    }
  }

  /** In this session, or else in the one before it: a session may have died before it heard of what goes on. */
  lastTraceOf(id: number): Trace | undefined {
    return this.traces.findLast(({ task }) => task === id) ?? this.#before?.lastTraceOf(id);
  }

  threadEnded(thread: VirtualThread): void {
    this.#before?.threadEnded(thread);
    for (const trace of this.#open) {
      if (trace.thread !== thread) continue;
      trace.isLost = true;
      trace.endedAt = this.world.now;
      this.#open.delete(trace);
    }
  }

  givenUp(threads: readonly VirtualThread[]): void {
    this.#before?.givenUp(threads);
    for (const trace of this.traces) {
      if (!threads.includes(trace.thread) || trace.isOver) continue;
      trace.isGivenUp = true;
      trace.endedAt ??= this.world.now;
      this.#open.delete(trace);
    }
  }

  announced({ id, attempt }: Pick<TaskFinished, "id" | "attempt">): void {
    for (const trace of this.#byTask.get(id) ?? []) {
      if (trace.attempt > attempt) continue;
      trace.isOver = true;
      trace.overAt ??= this.world.now;
    }
  }

  hooked({ id }: TaskFinished, how: Scenario["hook"]): unknown {
    this.hookedIds.push(id);
    switch (how) {
      case "quick":
        return undefined;
      case "throws":
        throw new Error("a hook that fails changes nothing");
      case "slow":
        this.hooksUnderWay++;
        return new Promise<void>((resolve) => {
          setTimeout(() => {
            this.hooksUnderWay--;
            resolve();
          }, hookMs);
        });
    }
  }

  finished(summary: RunSummary): void {
    if (this.hookedSummary !== undefined) this.world.fail("onFinish was called twice");
    this.hookedSummary = summary;
  }

  // ── limits ──

  #timeoutOf(kind: number, path: string): number {
    const settings = { ...this.#scenario.kinds[kind]?.settings, ...this.settings.get(path) };
    return settings.timeout ?? Number.POSITIVE_INFINITY;
  }

  /** Running attempts, without abandoned ones. */
  #running(): Trace[] {
    return [...this.#open].filter(({ givenUpAt }) => this.world.now < givenUpAt);
  }

  #assertLimits(begun: Trace): void {
    const running = this.#running();
    const { concurrency } = this.#session;
    if (running.length > concurrency) {
      this.world.fail(`${running.length} tasks run at once, and the concurrency is ${concurrency}`);
    }
    const twin = running.find((trace) => trace !== begun && trace.task === begun.task);
    if (twin !== undefined) this.world.fail(`two attempts of task ${begun.path} run at once`);
    for (const [name, { limit, per }] of Object.entries(this.#scenario.pools)) {
      if (per !== undefined) continue;
      const inPool = running.filter((trace) => this.poolOf(trace.path, trace.kind) === name);
      if (inPool.length > limit) {
        this.world.fail(
          `${inPool.length} tasks of the pool ${name} run at once, and its limit is ${limit}`,
        );
      }
    }
  }

  poolOf(path: string, kind: number): string | undefined {
    return this.settings.get(path)?.pool ?? this.#scenario.kinds[kind]?.settings.pool;
  }

  /** Path → settings of the call. */
  readonly settings = new Map<string, Settings>();
}
