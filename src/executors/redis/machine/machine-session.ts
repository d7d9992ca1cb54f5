// One run on this machine: the pool of threads that runs its leases, and the link to it. The pool is the one of local runs. Its
// tasks come from leases, and what its threads send the writer goes down the link.

import { systemClock, type Timer } from "../../../base/clock.ts";
import { type Failure, toFailure } from "../../../base/failure.ts";
import { Promise } from "../../../base/globals.ts";
import { pause } from "../../../base/pause.ts";
import { assertNever } from "../../../base/unreachable.ts";
import type { AskedQuery, QueryAnswer } from "../../../protocol/asked-query.ts";
import { unpackAssignments } from "../../../protocol/codec/assignments.ts";
import type { RunId, TaskId, WorkerId } from "../../../protocol/ids.ts";
import type { ModuleRef, RunInfo } from "../../../protocol/messages.ts";
import { Programs } from "../../../protocol/shared/programs.ts";
import type { ExecutorsEvents } from "../../executors.ts";
import type { LeaseJob, ToMachine, ToRun } from "../engine-messages.ts";
import { type Frame, Link } from "../link.ts";
import { packQuery, unpackQuery } from "../query-text.ts";
import { SpacedFlush } from "../spaced-flush.ts";
import { HeldLeases } from "./held-leases.ts";
import type { Pool, SessionDeps, SessionEnd } from "./session-deps.ts";
import { type ShownTask, ShownTasks } from "./shown-tasks.ts";
import type { TaskNews } from "./task-news.ts";
import { ThreadRelay } from "./thread-relay.ts";

type Boot = Extract<ToMachine, { type: "boot" }>;

type OpenLease = {
  readonly close: () => void;
  /** All of its tasks have ended: the run gives it others, or closes it. */
  isEmpty: boolean;
};

const runningPollMs = 50;

export class MachineSession {
  readonly #deps: SessionDeps;
  readonly #link: Link<ToRun, ToMachine>;
  readonly #programs = Programs.create();
  readonly #leases = new HeldLeases();
  #shown: ShownTasks | undefined;
  readonly #threads = new Map<number, ThreadRelay>();
  /** By lease: settles a claim. */
  readonly #claims = new Map<number, (isGranted: boolean) => void>();
  /** Leases that were granted, and that the run has not closed. */
  readonly #open = new Map<number, OpenLease>();
  readonly #queries = new Map<number, (answer: QueryAnswer) => void>();
  #lastQuery = 0;
  #pool: Pool | undefined;
  #run: RunInfo | undefined;
  #poll: Timer | undefined;
  /** How far this machine's clock is ahead of the run's: the least of what frames have shown. */
  #clockAheadMs = Number.POSITIVE_INFINITY;
  #beats = 0;
  #isBooting = false;
  #isReady = false;
  #isLeaving = false;
  /** The run is cancelled: nothing more begins. */
  #isCancelled = false;
  #isOver = false;

  constructor(deps: SessionDeps) {
    this.#deps = deps;
    const flushes = new SpacedFlush();
    this.#link = new Link<ToRun, ToMachine>({
      transmit: (frame) => deps.transmit(frame),
      deliver: (message) => this.#receive(message),
      soon: (work) => flushes.soon(work),
      later: (work) => flushes.later(work),
    });
    const { machine, heardAt } = deps;
    this.#link.send({ type: "hello", machine, heardAt });
  }

  /** @param behindMs this machine's clock minus that of the run when it sent: what they differ by, and the time on the way */
  receive(frame: Frame<ToMachine>, behindMs: number): void {
    this.#clockAheadMs = Math.min(this.#clockAheadMs, behindMs);
    if (!this.#isOver) this.#link.receive(frame);
  }

  /** Once a second. A thousand idle machines are heard by one thread of the run: each says something every other time. */
  beat(): void {
    this.#beats++;
    this.#link.beat(this.#beats % 2 === 0);
  }

  resend(): void {
    this.#link.resend();
  }

  get averageMs(): number | undefined {
    return this.#pool?.averageMs;
  }

  /** Null: the run has not begun. */
  get runId(): RunId | null {
    return this.#run?.id ?? null;
  }

  /** Of each of its threads, how many tasks run there. */
  get runningByThread(): readonly number[] {
    return Array.from(this.#threads.values(), ({ running }) => running);
  }

  /** In a screen's order; none where nobody looks. */
  get shownTasks(): readonly ShownTask[] {
    return this.#shown?.all ?? [];
  }

  // ── leases ──

  /** The machine takes leases of this run. */
  get isOpen(): boolean {
    return !this.#isLeaving && !this.#isOver;
  }

  /** Resolves when the run has closed the lease, or does not want it to run here. */
  async run({ lease, tasks }: LeaseJob): Promise<void> {
    // Its job was added again, and both came here.
    if (this.#claims.has(lease)) return;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#claims.set(lease, resolve);
    this.#link.send({ type: "claim", lease });
    const isGranted = await promise;
    if (!isGranted || this.#isOver) return;
    const closed = Promise.withResolvers<void>();
    this.#open.set(lease, { close: closed.resolve, isEmpty: true });
    this.#work(lease, tasks);
    await closed.promise;
    this.#open.delete(lease);
  }

  /** @param packed `Assignment[]` */
  #work(lease: number, packed: string): void {
    const open = this.#open.get(lease);
    if (open !== undefined) open.isEmpty = false;
    this.#leases.add(unpackAssignments(packed), () => this.#worked(lease));
    // It may have been granted and cancelled by messages that arrived together.
    if (this.#isLeaving || this.#isCancelled) this.#giveBack();
    else this.#dispatch();
  }

  #worked(lease: number): void {
    if (this.#isOver) return;
    const { averageMs } = this;
    this.#link.send({ type: "ended", lease, averageMs });
    this.#deps.measured(averageMs);
    const open = this.#open.get(lease);
    if (open === undefined) return;
    open.isEmpty = true;
    if (this.#isLeaving) open.close();
  }

  /** What one thread has taken ahead is for the others too, once nothing waits. */
  #dispatch(): void {
    const { waiting } = this.#leases;
    this.#pool?.dispatch(waiting);
    if (waiting > 0 && this.#leases.waiting === 0) this.#pool?.dispatch(0);
  }

  #claimed(lease: number, isGranted: boolean): void {
    this.#claims.get(lease)?.(isGranted);
    this.#claims.delete(lease);
  }

  /** What no thread has begun goes back to the run. */
  #giveBack(): void {
    const waiting = this.#leases.takeAll().map(({ id }) => id);
    const ids = [...waiting, ...(this.#pool?.takeBackAll() ?? [])];
    if (ids.length === 0) return;
    this.#link.send({ type: "returned", ids });
    for (const relay of this.#threads.values()) relay.release(ids);
    this.#leases.end(ids);
  }

  // ── messages of the run ──

  #receive(message: ToMachine): void {
    switch (message.type) {
      case "boot":
        void this.#boot(message);
        return;
      case "begin":
        this.#run = message.run;
        return this.#pool?.begin(message.run);
      case "granted":
        return this.#claimed(message.lease, true);
      case "refused":
        return this.#claimed(message.lease, false);
      case "more":
        return this.#work(message.lease, message.text);
      case "closed":
        return this.#open.get(message.lease)?.close();
      case "committed":
        return this.#threads.get(message.thread)?.committed(message);
      case "cancel":
        this.#isCancelled = true;
        this.#giveBack();
        return this.#pool?.cancel();
      case "recall":
        return this.#giveBack();
      case "kill":
        return this.#pool?.kill(message.thread as WorkerId, message.failure);
      case "answer":
        this.#queries.get(message.query)?.(unpackQuery<QueryAnswer>(message.answer));
        this.#queries.delete(message.query);
        return;
      case "end":
        return this.end(message.reason);
      default:
        assertNever(message);
    }
  }

  async #boot(boot: Boot): Promise<void> {
    if (this.#isBooting) return;
    this.#isBooting = true;
    this.#deps.asked(boot.tagSets);
    try {
      const module = await this.#deps.load(boot.module);
      if (this.#isOver) return;
      if (module !== undefined) return this.#start(boot, module);
      this.#isBooting = false;
      this.#link.send({ type: "bundle-wanted" });
    } catch (thrown) {
      this.#link.send({ type: "broken", failure: toFailure(thrown) });
    }
  }

  #start({ secrets, maxInput, hasLabels }: Boot, module: ModuleRef): void {
    const { threads, slots } = this.#deps.machine;
    const clockAheadMs = this.#clockAheadMs;
    this.#shown = new ShownTasks(clockAheadMs);
    const pool = this.#deps.createPool(
      {
        workers: threads,
        concurrency: slots,
        module,
        sources: [],
        db: null,
        secrets,
        maxInput: maxInput ?? Number.POSITIVE_INFINITY,
        hasLabels,
        tagSets: [],
        programs: this.#programs,
        clockAheadMs,
        answerQuery: (query) => this.#ask(query),
      },
      this.#poolEvents(),
    );
    this.#pool = pool;
    pool.start();
    if (this.#run !== undefined) pool.begin(this.#run);
    this.#poll = systemClock.every(runningPollMs, () => {
      for (const relay of this.#threads.values()) relay.reportRunning();
    });
    this.#dispatch();
  }

  #poolEvents(): ExecutorsEvents {
    const link = this.#link;
    return {
      take: (workerId, most) => {
        // The pool asks as soon as a thread can run tasks.
        if (!this.#isReady) link.send({ type: "ready" });
        this.#isReady = true;
        const tasks = this.#leases.take(most);
        if (tasks.length > 0)
          this.#hold(
            workerId,
            tasks.map(({ id }) => id),
          );
        return tasks;
      },
      readyOn: () => this.#leases.waiting,
      moved: (ids, workerId) => {
        if (ids.length > 0) this.#hold(workerId, ids);
      },
      attach: (port) => {
        const relay = new ThreadRelay(port, {
          send: (message) => link.send(message),
          heard: (news) => this.#heard(news),
          isShown: this.#deps.isShown,
        });
        this.#threads.set(relay.thread, relay);
      },
      toppedUp: () => this.#dispatch(),
      returned: (ids) => link.send({ type: "returned", ids }),
      lost: (worker) => {
        this.#threads.get(worker.workerId)?.lose(worker);
        this.#threads.delete(worker.workerId);
      },
      broken: (failure: Failure) => link.send({ type: "broken", failure }),
      output: (level, line) => link.send({ type: "output", level, line }),
    };
  }

  #heard(news: TaskNews): void {
    this.#shown?.add(news);
    this.#deps.ended(news);
    this.#leases.end(news.ended);
  }

  #hold(workerId: WorkerId, ids: readonly TaskId[]): void {
    for (const relay of this.#threads.values()) {
      if (relay.thread === workerId) relay.hold(ids);
      else relay.release(ids);
    }
    // Before anything that the thread sends of these tasks.
    this.#link.sendLater({ type: "held", thread: workerId, ids });
  }

  #ask(query: AskedQuery): Promise<QueryAnswer> {
    return new Promise((resolve) => {
      const number = ++this.#lastQuery;
      this.#queries.set(number, resolve);
      this.#link.send({ type: "query", query: number, asked: packQuery(query) });
    });
  }

  // ── the end ──

  /** Gives back what has not begun, and waits for what runs. Resolves when the run knows. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    this.#link.send({ type: "leaving" });
    this.#giveBack();
    for (const { isEmpty, close } of this.#open.values()) if (isEmpty) close();
    while (!this.#isOver && (!this.#leases.isEmpty || this.#claims.size > 0))
      await pause(leavePollMs);
    if (this.#isOver) return;
    this.#link.send({ type: "left" });
    while (!this.#isOver && !this.#link.isDrained) await pause(leavePollMs);
    this.end("left");
  }

  end(reason: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    systemClock.cancel(this.#poll);
    this.#pool?.stop();
    for (const relay of this.#threads.values()) relay.close();
    for (const settle of this.#claims.values()) settle(false);
    this.#leases.endAll();
    for (const { close } of this.#open.values()) close();
    this.#programs.reaper[Symbol.dispose]();
    this.#deps.over(reason);
  }
}

const leavePollMs = 20;
