// The worker pool with fake threads and a fake clock. Both are controlled by the test.

import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { LostWorker } from "../../../src/executors/executors.ts";
import type { WorkerThread } from "../../../src/executors/threads/worker.ts";
import { WorkerPool } from "../../../src/executors/threads/worker-pool.ts";
import { maxCredits } from "../../../src/protocol/shared/credits.ts";
import { WorkerMemory } from "../../../src/protocol/shared/worker-memory.ts";
import { runId, type WorkerId, taskId } from "../../../src/protocol/ids.ts";
import { Programs } from "../../../src/protocol/shared/programs.ts";
import type { Assignment, FromWorker, ToWorker } from "../../../src/protocol/messages.ts";
import type { Failure } from "../../../src/base/failure.ts";
import { assignment } from "../../support/assignment.ts";
import { useFakeTime, useRealTime } from "../../support/fake-time.ts";

class Thread implements WorkerThread {
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly received: ToWorker[] = [];
  memory = WorkerMemory.create(1);
  workerId: WorkerId | undefined;
  isTerminated = false;
  #onClose: ((event: CloseEvent) => void) | undefined;

  postMessage(message: ToWorker): void {
    this.received.push(message);
    if (message.type !== "boot") return;
    this.memory = WorkerMemory.from(message.memory);
    this.workerId = message.workerId;
    message.port.close();
  }

  terminate(): void {
    this.isTerminated = true;
  }

  addEventListener(_: "close", listener: (event: CloseEvent) => void): void {
    this.#onClose = listener;
  }

  say(message: FromWorker): void {
    this.onmessage?.(new MessageEvent("message", { data: message }));
  }

  ready(): void {
    if (this.workerId === undefined) throw new Error("it was not started");
    this.say({ type: "ready", workerId: this.workerId });
  }

  close(code: number): void {
    this.#onClose?.(new CloseEvent("close", { code }));
  }
}

class Bench {
  readonly threads: Thread[] = [];
  readonly lost: LostWorker[] = [];
  readonly broken: Failure[] = [];
  readonly tasks: Assignment[] = [];
  readonly pool: WorkerPool;

  constructor() {
    this.pool = new WorkerPool(
      () => {
        const thread = new Thread();
        this.threads.push(thread);
        return thread;
      },
      {
        workers: 1,
        concurrency: 1,
        module: { kind: "builtin", name: "none" },
        sources: [],
        db: null,
        secrets: [],
        maxInput: 0,
        hasLabels: true,
        programs: Programs.create(),
      },
      {
        take: (_, most) => this.tasks.splice(0, most),
        readyOn: () => 0,
        tagSets: () => [],
        moved: () => undefined,
        attach: ({ message }) => message.port.close(),
        toppedUp: () => undefined,
        lost: (worker) => this.lost.push(worker),
        returned: () => undefined,
        broken: (failure) => this.broken.push(failure),
        output: () => undefined,
      },
    );
    this.pool.start();
    this.pool.begin({
      id: runId(1),
      pipeline: "p",
      params: "{}",
      maxLogLines: null,
      hasOwnTables: false,
    });
  }

  get newest(): Thread {
    const thread = this.threads.at(-1);
    if (thread === undefined) throw new Error("there is no thread");
    return thread;
  }
}

beforeEach(useFakeTime);
afterEach(useRealTime);

test("threads that end while no task runs in them are replaced later each time, and in the end not at all", () => {
  const bench = new Bench();
  for (let delayMs = 100; delayMs <= 12_800; delayMs *= 2) {
    bench.newest.ready();
    expect(bench.pool.isQuiet).toBe(true);
    bench.newest.close(1);
    const before = bench.threads.length;
    jest.advanceTimersByTime(delayMs - 1);
    expect(bench.threads).toHaveLength(before);
    expect(bench.pool.isQuiet).toBe(false);
    jest.advanceTimersByTime(1);
    expect(bench.threads).toHaveLength(before + 1);
  }
  bench.newest.ready();
  bench.newest.close(1);
  expect(bench.broken).toMatchObject([
    { name: "WorkerExit", message: expect.stringContaining("while no task ran in them") },
  ]);
});

test("a thread that a task has ended is replaced at once, however often", () => {
  const bench = new Bench();
  for (let i = 1; i <= 20; i++) {
    bench.newest.ready();
    bench.newest.memory.runningIds.set(0, taskId(7));
    bench.newest.close(1);
    expect(bench.threads).toHaveLength(i + 1);
  }
  expect(bench.broken).toEqual([]);
});

test("a killed thread in a system call is not waited for: its tasks are lost, and it is replaced", () => {
  const bench = new Bench();
  bench.tasks.push(assignment(7));
  bench.newest.ready();
  const { workerId } = bench.newest;
  if (workerId === undefined) throw new Error("it was not started");
  bench.newest.memory.claims.claim(1);
  bench.newest.memory.runningIds.set(0, taskId(7));
  expect(bench.pool.whereIs(taskId(7), workerId)).toBe("running");
  const stuck = bench.newest;
  bench.pool.kill(workerId, { name: "TimeoutError", message: "late" });
  expect(stuck.isTerminated).toBe(true);
  jest.advanceTimersByTime(100);
  expect(bench.lost).toMatchObject([{ workerId, running: [7], failure: { name: "TimeoutError" } }]);
  expect(bench.threads).toHaveLength(2);
  // It does end at last; that is no news.
  stuck.close(0);
  expect([bench.lost.length, bench.threads.length]).toEqual([1, 2]);
});

test("a worker that the writer keeps waiting is held, not stuck", () => {
  const bench = new Bench();
  bench.newest.ready();
  const { workerId, memory } = bench.newest;
  if (workerId === undefined) throw new Error("it was not started");
  memory.runningIds.set(0, taskId(7));
  memory.credits.spend(maxCredits);
  expect(bench.pool.whereIs(taskId(7), workerId)).toBe("held");
  memory.credits.giveBack(1);
  expect(bench.pool.whereIs(taskId(7), workerId)).toBe("running");
  expect(bench.pool.whereIs(taskId(8), workerId)).toBe("elsewhere");
});

test("a worker that is being ended gets no more tasks", () => {
  const bench = new Bench();
  bench.newest.ready();
  const { workerId } = bench.newest;
  if (workerId === undefined) throw new Error("it was not started");
  bench.pool.kill(workerId, { name: "TimeoutError", message: "late" });
  bench.tasks.push(assignment(7));
  bench.newest.say({ type: "free", workerId, count: 0, exhausted: 0, busyMs: 0 });
  bench.pool.dispatch(1);
  expect(bench.tasks).toEqual([assignment(7)]);
});

test("a thread that reports after the run's end changes nothing", () => {
  const bench = new Bench();
  const { workerId } = bench.newest;
  if (workerId === undefined) throw new Error("it was not started");
  bench.pool.stop();
  bench.newest.say({ type: "broken", workerId, failure: { name: "Error", message: "no module" } });
  bench.newest.close(0);
  expect([bench.broken, bench.lost, bench.threads.length]).toEqual([[], [], 1]);
});

test("after a cancel a thread that is lost is not replaced", () => {
  const bench = new Bench();
  bench.newest.ready();
  bench.pool.cancel();
  bench.newest.memory.runningIds.set(0, taskId(7));
  bench.newest.close(1);
  expect([bench.lost.length, bench.threads.length]).toEqual([1, 1]);
});

test("at the end each thread closes the database, and a thread that does not answer is ended", async () => {
  const bench = new Bench();
  bench.newest.ready();
  const [thread] = bench.threads;
  if (thread?.workerId === undefined) throw new Error("it was not started");
  const answered = bench.pool.closeReaders();
  expect(thread.received.at(-1)).toEqual({ type: "close-reader" });
  thread.say({ type: "reader-closed", workerId: thread.workerId });
  await answered;
  expect(thread.isTerminated).toBe(false);

  const deaf = new Bench();
  deaf.newest.ready();
  const late = deaf.pool.closeReaders();
  jest.advanceTimersByTime(1000);
  await late;
  expect(deaf.threads.map(({ isTerminated }) => isTerminated)).toEqual([true]);
});

test("a thread that is still loading has no database to close", async () => {
  const bench = new Bench();
  await bench.pool.closeReaders();
  expect(bench.newest.received.map(({ type }) => type)).toEqual(["boot", "begin"]);
});

test("a label that does not return for 5 s ends its thread, and only its task is to blame", () => {
  const bench = new Bench();
  bench.tasks.push(assignment(7), assignment(8));
  bench.newest.ready();
  const { memory, workerId } = bench.newest;
  memory.claims.claim(1);
  memory.runningIds.set(0, taskId(7));
  // Others were made in time.
  memory.labelling.set(0, taskId(6));
  jest.advanceTimersByTime(3000);
  memory.labelling.set(0, taskId(7));
  jest.advanceTimersByTime(5500);
  expect(bench.lost).toEqual([]);
  jest.advanceTimersByTime(1000);
  const message = `the \`label\` of task "t" has not returned after 5 s, so its thread was ended`;
  expect(bench.lost).toMatchObject([
    { workerId, culprit: 7, running: [7], failure: { name: "LabelError", message } },
  ]);
  expect(bench.threads).toHaveLength(2);
  bench.pool.stop();
  expect(jest.getTimerCount()).toBe(0);
});
