// The writer's end of one thread's port, on a machine that is not the writer's: passes on what the thread sends, and gives its
// credits back when the writer has committed.

import type { TaskId } from "../../../protocol/ids.ts";
import { WorkerMemory } from "../../../protocol/shared/worker-memory.ts";
import type { Ack } from "../../../protocol/writer-records.ts";
import type { LostWorker, WorkerPort } from "../../executors.ts";
import type { ToMachine, ToRun } from "../engine-messages.ts";
import { type TaskNews, taskNewsIn } from "./task-news.ts";

type RelayCalls = {
  send(message: ToRun): void;
  heard(news: TaskNews): void;
  /** Somebody looks at the machine's tasks. */
  readonly isShown: boolean;
};

export class ThreadRelay {
  readonly thread: number;
  readonly #port: MessagePort;
  readonly #memory: WorkerMemory;
  readonly #calls: RelayCalls;
  /** Tasks that the thread was given, and whose end it has not sent. */
  readonly #held = new Set<TaskId>();
  #received = 0;
  #lost: LostWorker | undefined;
  #running: readonly TaskId[] = [];
  #reported: readonly TaskId[] = [];

  constructor({ message: { workerId, port, memory } }: WorkerPort, calls: RelayCalls) {
    this.thread = workerId;
    this.#port = port;
    this.#memory = WorkerMemory.from(memory);
    this.#calls = calls;
    const { slots } = this.#memory.runningIds;
    calls.send({ type: "attach", thread: workerId, slots });
    port.onmessage = (event) => this.#receive(event.data as string);
  }

  #receive(text: string): void {
    this.#received++;
    this.#calls.send({ type: "records", thread: this.thread, text });
    const news = taskNewsIn(text, this.#calls.isShown);
    if (news !== undefined) {
      this.release(news.ended);
      this.#calls.heard(news);
    }
    this.#reportLoss();
  }

  /** Tasks in its slots now. */
  get running(): number {
    return this.#memory.runningIds.list().length;
  }

  hold(ids: readonly TaskId[]): void {
    for (const id of ids) this.#held.add(id);
  }

  release(ids: readonly TaskId[]): void {
    for (const id of ids) this.#held.delete(id);
  }

  committed({ credits, checkpoints }: Extract<ToMachine, { type: "committed" }>): void {
    this.#memory.credits.giveBack(credits);
    const ack: Ack = checkpoints === undefined ? { type: "ack" } : { type: "ack", checkpoints };
    this.#port.postMessage(ack);
  }

  /** Reports what has run since the last call, and still runs: most tasks end before anybody asks where they are. */
  reportRunning(): void {
    const before = this.#running;
    this.#running = this.#memory.runningIds.list();
    const ids = this.#running.filter((id) => before.includes(id));
    if (ids.length === this.#reported.length && ids.every((id) => this.#reported.includes(id))) {
      return;
    }
    this.#reported = ids;
    this.#calls.send({ type: "running", thread: this.thread, ids });
  }

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
      thread: this.thread,
      running,
      unbegun: ids,
      failure,
      ...(culprit === undefined ? {} : { culprit }),
    });
    // Also what has ended in the thread, and died with it: the run gives such tasks out again.
    this.#calls.heard({ ended: [...this.#held], done: 0, failed: 0, shown: [] });
    this.close();
  }

  close(): void {
    this.#port.close();
  }
}
