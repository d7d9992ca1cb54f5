// The threads of a machine that run the tasks of one run, and what they have sent. The pool is the one of local runs. It outlives the
// session of a run that dies: the next one takes it over.

import { systemClock, type Timer } from "../../../base/clock.ts";
import { Promise } from "../../../base/globals.ts";
import { IdTable } from "../../../base/id-table.ts";
import type { Failure } from "../../../base/failure.ts";
import type { AskedQuery, QueryAnswer } from "../../../protocol/asked-query.ts";
import type { TaskId, WorkerId } from "../../../protocol/ids.ts";
import type { Assignment, ModuleRef, RunInfo } from "../../../protocol/messages.ts";
import { Programs } from "../../../protocol/shared/programs.ts";
import type { ExecutorsEvents } from "../../executors.ts";
import type { ToMachine, ToRun } from "../engine-messages.ts";
import { packQuery, unpackQuery } from "../query-text.ts";
import type { Pool, SessionDeps } from "./session-deps.ts";
import { type ShownTask, ShownTasks } from "./shown-tasks.ts";
import type { TaskNews } from "./task-news.ts";
import { ThreadRelay } from "./thread-relay.ts";

/** The session that it works for. */
export type PoolOwner = {
  send(message: ToRun): void;
  /** Before anything that is sent later. */
  sendLater(message: ToRun): void;
  take(most: number): Assignment[];
  /** How many tasks no thread has yet. */
  waiting(): number;
  /** As the run gave the task, while it has not ended. */
  given(id: TaskId): Assignment | undefined;
  toppedUp(): void;
  /** These tasks have ended, or none of them will be run here. */
  ended(ids: readonly TaskId[]): void;
};

export type Boot = Extract<ToMachine, { type: "boot" }>;
type Offers = Extract<ToRun, { type: "offers" }>["offers"];

const runningPollMs = 50;

export class SessionPool {
  readonly #deps: SessionDeps;
  readonly #pool: Pool;
  readonly #programs = Programs.create();
  readonly #shown: ShownTasks;
  readonly #threads = new Map<number, ThreadRelay>();
  readonly #holders = new IdTable<TaskId, ThreadRelay>();
  readonly #queries = new Map<
    number,
    { readonly asked: string; readonly answer: (answer: QueryAnswer) => void }
  >();
  readonly #poll: Timer;
  #owner: PoolOwner;
  /** Numbers of threads on the link begin with it: those of the session before are not used again. */
  #first = 0;
  #lastQuery = 0;
  #isReady = false;
  /** Another session has nothing to take over. */
  #isWorthless = false;

  constructor(deps: SessionDeps, owner: PoolOwner, boot: Boot, module: ModuleRef, aheadMs: number) {
    this.#deps = deps;
    this.#owner = owner;
    this.#shown = new ShownTasks(aheadMs);
    const { threads, slots } = deps.machine;
    const { secrets, maxInput, hasLabels } = boot;
    this.#pool = deps.createPool(
      {
        workers: threads,
        concurrency: slots,
        module,
        sources: [],
        db: null,
        secrets,
        maxInput: maxInput ?? Number.POSITIVE_INFINITY,
        hasLabels,
        programs: this.#programs,
        clockAheadMs: aheadMs,
        answerQuery: (query) => this.#ask(query),
      },
      this.#poolEvents(),
    );
    this.#pool.start();
    this.#poll = systemClock.every(runningPollMs, () => {
      for (const relay of this.#threads.values()) relay.reportRunning();
    });
  }

  get averageMs(): number | undefined {
    return this.#pool.averageMs;
  }

  /** Of each of its threads, how many tasks run there. */
  get runningByThread(): readonly number[] {
    return Array.from(this.#threads.values(), ({ running }) => running);
  }

  /** In a screen's order; none where nobody looks. */
  get shownTasks(): readonly ShownTask[] {
    return this.#shown.all;
  }

  begin(run: RunInfo): void {
    this.#pool.begin(run);
  }

  /** What one thread has taken ahead is for the others too, once nothing waits. */
  dispatch(): void {
    const waiting = this.#owner.waiting();
    this.#pool.dispatch(waiting);
    if (waiting > 0 && this.#owner.waiting() === 0) this.#pool.dispatch(0);
  }

  /** Takes back what no thread has begun. */
  takeBackAll(): readonly TaskId[] {
    const ids = this.#pool.takeBackAll();
    for (const id of ids) this.#holders.delete(id);
    return ids;
  }

  committed(message: Extract<ToMachine, { type: "committed" }>): void {
    this.#threads.get(message.thread - this.#first)?.committed(message);
  }

  cancel(): void {
    this.#isWorthless = true;
    this.#pool.cancel();
  }

  kill(thread: number, failure: Failure): void {
    this.#pool.kill((thread - this.#first) as WorkerId, failure);
  }

  #poolEvents(): ExecutorsEvents {
    return {
      take: (workerId, most) => {
        // The pool asks as soon as a thread can run tasks.
        if (!this.#isReady) this.#owner.send({ type: "ready" });
        this.#isReady = true;
        const tasks = this.#owner.take(most);
        const ids = tasks.map(({ id }) => id);
        if (ids.length > 0) this.#hold(workerId, ids);
        return tasks;
      },
      readyOn: () => this.#owner.waiting(),
      tagSets: () => [],
      moved: (ids, workerId) => {
        if (ids.length > 0) this.#hold(workerId, ids);
      },
      attach: (port) => {
        const relay = new ThreadRelay(port, this.#first, {
          send: (message) => this.#owner.send(message),
          heard: (news) => this.#heard(news),
          given: (id) => this.#owner.given(id),
          holders: this.#holders,
          isShown: this.#deps.isShown,
        });
        this.#threads.set(relay.thread, relay);
      },
      toppedUp: () => this.#owner.toppedUp(),
      returned: (ids) => this.#owner.send({ type: "returned", ids }),
      lost: (worker) => {
        this.#threads.get(worker.workerId)?.lose(worker);
        this.#threads.delete(worker.workerId);
      },
      broken: (failure: Failure) => this.#owner.send({ type: "broken", failure }),
      output: (level, line) => this.#owner.send({ type: "output", level, line }),
    };
  }

  #heard(news: TaskNews): void {
    this.#shown.add(news);
    this.#deps.ended(news);
    this.#owner.ended(news.ended);
  }

  #hold(workerId: WorkerId, ids: readonly TaskId[]): void {
    this.#threads.get(workerId)?.hold(ids);
    // Before anything that the thread sends of these tasks.
    this.#owner.sendLater({ type: "held", thread: this.#first + workerId, ids });
  }

  // ── queries ──

  #ask(query: AskedQuery): Promise<QueryAnswer> {
    return new Promise((resolve) => {
      const number = ++this.#lastQuery;
      const asked = packQuery(query);
      this.#queries.set(number, { asked, answer: resolve });
      this.#owner.send({ type: "query", query: number, asked });
    });
  }

  answer({ query, answer }: Extract<ToMachine, { type: "answer" }>): void {
    this.#queries.get(query)?.answer(unpackQuery<QueryAnswer>(answer));
    this.#queries.delete(query);
  }

  // ── another session of the run ──

  /** It has something that another session may want. */
  get isKept(): boolean {
    return !this.#isWorthless && this.#threads.values().some((relay) => relay.offers.length > 0);
  }

  /** From now on it works for this session, which has yet to say what it wants of what is there. */
  moveTo(owner: PoolOwner, first: number): void {
    this.takeBackAll();
    this.#owner = owner;
    this.#first = first;
    for (const relay of this.#threads.values()) relay.moveTo(first);
    owner.send({ type: "offers", offers: this.#offers, isKnown: true });
    if (this.#isReady) owner.send({ type: "ready" });
  }

  get #offers(): Offers {
    return Array.from(this.#threads.values()).flatMap((relay) =>
      relay.offers.map((offered) => ({ ...offered, thread: relay.number })),
    );
  }

  /**
   * The run wants these. A thread in which others run is ended: nobody else can end a task for sure.
   * @returns those of them that run
   */
  judged(accepted: ReadonlySet<TaskId>): ReadonlySet<TaskId> {
    const running = new Set<TaskId>();
    for (const [thread, relay] of this.#threads) {
      const going = relay.judged(accepted);
      for (const id of going ?? []) running.add(id);
      if (going === undefined) this.#pool.kill(thread as WorkerId, notWanted);
    }
    for (const [number, { asked }] of this.#queries) {
      this.#owner.send({ type: "query", query: number, asked });
    }
    return running;
  }

  /** It has not been given any task. @returns the first number for threads that follow on its link */
  retire(): number {
    let first = this.#first;
    for (const relay of this.#threads.values()) {
      const lost = { running: [], unbegun: [], failure: notWanted } as const;
      this.#owner.send({ type: "thread-lost", thread: relay.number, ...lost });
      first = Math.max(first, relay.number + 1);
    }
    this.stop();
    return first;
  }

  stop(): void {
    systemClock.cancel(this.#poll);
    this.#pool.stop();
    for (const relay of this.#threads.values()) relay.close();
    this.#programs.reaper[Symbol.dispose]();
  }
}

const notWanted: Failure = {
  name: "WorkerExit",
  message: "the run goes on with the tasks of this thread elsewhere",
};
