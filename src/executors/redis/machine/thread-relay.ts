// The writer's end of one thread's port, on a machine that is not the writer's: passes on what the thread sends, and gives its
// credits back when the writer has committed. What is not committed is kept: another session of the run may take it.

import type { IdTable } from "../../../base/id-table.ts";
import { creditsOf } from "../../../protocol/shared/credits.ts";
import type { TaskId } from "../../../protocol/ids.ts";
import { WorkerMemory } from "../../../protocol/shared/worker-memory.ts";
import type { Ack } from "../../../protocol/writer-records.ts";
import type { LostWorker, WorkerPort } from "../../executors.ts";
import type { OfferedAttempt, ToMachine, ToRun } from "../engine-messages.ts";
import { type Given, KeptTexts } from "./kept-texts.ts";
import { type TaskNews, taskNewsIn } from "./task-news.ts";

type RelayCalls = {
  send(message: ToRun): void;
  heard(news: TaskNews): void;
  readonly given: Given;
  /** Of each task that a thread of the machine was given, and whose end it has not sent. */
  readonly holders: IdTable<TaskId, ThreadRelay>;
  /** Somebody looks at the machine's tasks. */
  readonly isShown: boolean;
};

/** `keeps`: the run has yet to say what it wants of it. `unwanted`: it wants nothing of what the thread still does. */
type Mode = "sends" | "keeps" | "unwanted";

export class ThreadRelay {
  /** Its number on this machine. */
  readonly thread: number;
  /** Its number on the link. */
  #number: number;
  readonly #port: MessagePort;
  readonly #memory: WorkerMemory;
  readonly #calls: RelayCalls;
  readonly #kept: KeptTexts;
  #mode: Mode = "sends";
  #received = 0;
  /** Credits of all that was received, and of what was given back. */
  #spent = 0;
  #givenBack = 0;
  /** Credits that were given back before what they are for was sent again. */
  #ahead = 0;
  #lost: LostWorker | undefined;
  #running: readonly TaskId[] = [];
  #reported: readonly TaskId[] = [];

  /** @param first added to its number on this machine */
  constructor(
    { message: { workerId, port, memory } }: WorkerPort,
    first: number,
    calls: RelayCalls,
  ) {
    this.thread = workerId;
    this.#number = first + workerId;
    this.#port = port;
    this.#memory = WorkerMemory.from(memory);
    this.#calls = calls;
    this.#kept = new KeptTexts(calls.given);
    this.#attach();
    port.onmessage = (event) => this.#receive(event.data as string);
  }

  /** On the link. */
  get number(): number {
    return this.#number;
  }

  #attach(): void {
    const { slots } = this.#memory.runningIds;
    this.#calls.send({ type: "attach", thread: this.#number, slots });
  }

  #receive(text: string): void {
    this.#received++;
    this.#spent += creditsOf(text.length);
    // Its tasks may be here again by now.
    if (this.#mode === "unwanted") return this.#reportLoss();
    const news = taskNewsIn(text, this.#calls.isShown);
    const isSent = this.#mode === "sends";
    this.#kept.add(text, news?.ended, isSent);
    if (isSent) this.#send(text);
    if (news !== undefined) {
      this.#release(news.ended);
      this.#calls.heard(news);
    }
    this.#reportLoss();
  }

  #send(text: string): void {
    this.#calls.send({ type: "records", thread: this.#number, text });
  }

  /** Tasks in its slots now. */
  get running(): number {
    return this.#memory.runningIds.list().length;
  }

  /** Also what another thread held. */
  hold(ids: readonly TaskId[]): void {
    for (const id of ids) this.#calls.holders.set(id, this);
  }

  #release(ids: readonly TaskId[]): void {
    const { holders } = this.#calls;
    for (const id of ids) if (holders.get(id) === this) holders.delete(id);
  }

  get #held(): readonly TaskId[] {
    const { holders } = this.#calls;
    return holders.ids.filter((id) => holders.get(id) === this);
  }

  committed({ credits, records, checkpoints }: Extract<ToMachine, { type: "committed" }>): void {
    this.#kept.committed(records, checkpoints);
    const ahead = Math.min(credits, this.#ahead);
    this.#ahead -= ahead;
    this.#giveBack(credits - ahead, checkpoints);
  }

  #giveBack(credits: number, checkpoints?: Ack["checkpoints"]): void {
    this.#givenBack += credits;
    this.#memory.credits.giveBack(credits);
    const ack: Ack = checkpoints === undefined ? { type: "ack" } : { type: "ack", checkpoints };
    this.#port.postMessage(ack);
  }

  /** Reports what has run since the last call, and still runs: most tasks end before anybody asks where they are. */
  reportRunning(): void {
    const before = this.#running;
    this.#running = this.#memory.runningIds.list();
    const ids = this.#running.filter((id) => before.includes(id));
    if (this.#mode !== "sends") return;
    if (ids.length === this.#reported.length && ids.every((id) => this.#reported.includes(id))) {
      return;
    }
    this.#reported = ids;
    this.#calls.send({ type: "running", thread: this.#number, ids });
  }

  // ── another session ──

  /** Attempts that run, or that have ended and are not known to be committed. */
  get offers(): readonly OfferedAttempt[] {
    return this.#kept.offers;
  }

  /** Another session of the run asks. @param first as in the constructor */
  moveTo(first: number): void {
    this.#number = first + this.thread;
    this.#mode = "keeps";
    this.#reported = [];
    this.#attach();
  }

  /**
   * Sends what these attempts have sent, and nothing of the others.
   * @returns those that run; undefined: others run too, and the thread is to be ended
   */
  judged(accepted: ReadonlySet<TaskId>): readonly TaskId[] | undefined {
    if (this.#mode !== "keeps") return [];
    const texts = this.#kept.keepOnly(accepted);
    for (const text of texts) this.#send(text);
    const held = this.#held;
    const isWanted = held.every((id) => accepted.has(id));
    this.#mode = isWanted ? "sends" : "unwanted";
    if (!isWanted) {
      this.#release(held);
      return undefined;
    }
    const credits = texts.reduce((sum, { length }) => sum + creditsOf(length), 0);
    const outstanding = this.#spent - this.#givenBack;
    // The writer takes the items of a unit before it commits them: their credits may be back already.
    this.#ahead = Math.max(0, credits - outstanding);
    this.#giveBack(Math.max(0, outstanding - credits));
    return held;
  }

  // ── the end ──

  /** The thread has ended. What it sent may still be on its way here. */
  lose(worker: LostWorker): void {
    this.#lost = worker;
    this.#reportLoss();
  }

  #reportLoss(): void {
    const lost = this.#lost;
    if (lost === undefined || this.#received < lost.sent) return;
    const { running, unbegun, failure, culprit } = lost;
    if (unbegun === "unknown")
      throw new Error("Internal error: a thread of this machine is unknown");
    const ids = [...unbegun];
    this.#calls.send({
      type: "thread-lost",
      thread: this.#number,
      running,
      unbegun: ids,
      failure,
      ...(culprit === undefined ? {} : { culprit }),
    });
    // Also what has ended in the thread, and died with it: the run gives such tasks out again.
    const held = this.#held;
    this.#release(held);
    this.#calls.heard({ ended: held, done: 0, failed: 0, shown: [] });
    this.close();
  }

  close(): void {
    this.#port.close();
  }
}
