// The engine's small parts: the summary, hooks, and the watch over timeouts.

import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { Alarm } from "../../src/base/alarm.ts";
import { callHook, HookQueue } from "../../src/engine/hooks.ts";
import { SummaryCollector } from "../../src/engine/summary-collector.ts";
import { TimeoutWatch } from "../../src/engine/timeout-watch.ts";
import type { RunStarted, TaskFinished } from "../../src/protocol/events.ts";
import { runId, taskId } from "../../src/protocol/ids.ts";
import { useFakeTime, useRealTime } from "../support/fake-time.ts";

const started: RunStarted = {
  type: "run-started",
  run: runId(1),
  pipeline: "p",
  file: null,
  db: ":memory:",
  journal: "memory",
  workers: 1,
  concurrency: 1,
  at: 0,
  resumed: false,
  alreadyDone: 0,
};

const ended = (id: number, more: Partial<TaskFinished> = {}): TaskFinished => ({
  type: "task-finished",
  id: taskId(id),
  name: `t${id}`,
  attempt: 1,
  status: "done",
  startedAt: 0,
  at: id,
  ...more,
});

describe("the summary", () => {
  const end = { status: "done", failure: null, finishedAt: 9, queued: 2, alreadyDone: 3 } as const;

  test("adds up", () => {
    const summary = new SummaryCollector();
    for (const status of ["done", "done", "error", "cancelled", "skipped"] as const) {
      summary.add(ended(1, { status, failure: { name: "E", message: "why" } }));
    }
    expect(summary.ended).toBe(5);
    expect(summary.finish(started, end)).toMatchObject({
      total: 10,
      done: 5,
      failed: 1,
      cancelled: 1,
      skipped: 1,
      queued: 2,
      alreadyDone: 3,
    });
  });

  test("keeps the first 20 failures and counts each message", () => {
    const summary = new SummaryCollector();
    for (let id = 1; id <= 100; id++) {
      const message = id % 3 === 0 ? "rare" : "often";
      summary.add(ended(id, { status: "error", failure: { name: "E", message } }));
    }
    const { failed, failures, failureGroups } = summary.finish(started, end);
    expect(failed).toBe(100);
    expect(failures.map(({ id }) => Number(id))).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    expect(failureGroups).toEqual([
      { message: "E: often", count: 67 },
      { message: "E: rare", count: 33 },
    ]);
  });

  test("is bounded, however many messages there are", () => {
    const summary = new SummaryCollector();
    for (let id = 1; id <= 5000; id++) {
      summary.add(ended(id, { status: "error", failure: { name: "E", message: `at ${id}` } }));
    }
    const { failed, failureGroups } = summary.finish(started, end);
    expect(failed).toBe(5000);
    expect(failureGroups).toHaveLength(20);
  });

  test("names the five slowest of those that ran", () => {
    const summary = new SummaryCollector();
    for (const at of [5, 50, 1, 40, 30, 2, 20]) summary.add(ended(at, { at }));
    summary.add(ended(99, { status: "skipped", startedAt: null, at: 1000 }));
    const { slowest } = summary.finish(started, end);
    expect(slowest.map(({ durationMs }) => durationMs)).toEqual([50, 40, 30, 20, 5]);
  });
});

describe("with time in the test's hands", () => {
  beforeEach(useFakeTime);
  afterEach(useRealTime);

  test("a task is overdue its timeout and the grace after it is heard of, whatever the wall clock says", () => {
    const overdue: number[] = [];
    const watch = new TimeoutWatch(2000, (id) => overdue.push(id));
    watch.watch(taskId(1), 100);
    watch.watch(taskId(2), 100);
    watch.watch(taskId(3), 0);
    watch.forget(taskId(2));
    jest.setSystemTime(Date.now() + 3_600_000);
    jest.advanceTimersByTime(1999);
    expect(overdue).toEqual([]);
    jest.setSystemTime(Date.now() - 7_200_000);
    jest.advanceTimersByTime(2);
    expect(overdue).toEqual([3]);
    jest.advanceTimersByTime(100);
    expect(overdue).toEqual([3, 1]);
  });

  test("watched again, the later time counts; cleared, none does", () => {
    const overdue: number[] = [];
    const watch = new TimeoutWatch(0, (id) => overdue.push(id));
    watch.watch(taskId(1), 10);
    watch.watch(taskId(1), 50);
    jest.advanceTimersByTime(49);
    expect(overdue).toEqual([]);
    watch.clear();
    jest.advanceTimersByTime(1000);
    expect(overdue).toEqual([]);
  });

  test("a time beyond what a timer can count is waited for all the same", () => {
    const rung: string[] = [];
    const alarm = new Alarm(() => rung.push("now"));
    alarm.set(performance.now() + 2 ** 31 + 5000);
    jest.advanceTimersByTime(2 ** 31);
    expect([rung, alarm.isSet]).toEqual([[], true]);
    jest.advanceTimersByTime(5001);
    expect([rung, alarm.isSet]).toEqual([["now"], false]);
  });

  test("a hook that does not come to an end is left behind after 10 s, and the next one is called", async () => {
    const lines: string[] = [];
    const seen: number[] = [];
    const queue = new HookQueue<number>(
      "onTaskFinish",
      (event) => {
        seen.push(event);
        return event === 1 ? new Promise(() => undefined) : undefined;
      },
      (level, line) => lines.push(`${level} ${line}`),
    );
    queue.add(1);
    queue.add(2);
    jest.advanceTimersByTime(10_000);
    await queue.close(unhurried);
    expect(seen).toEqual([1, 2]);
    expect(lines).toEqual(["warn onTaskFinish failed: not finished after 10 s"]);
  });

  test("the end waits for the hooks for 10 s, and says how many were not called", async () => {
    const lines: string[] = [];
    const queue = new HookQueue<number>(
      "onTaskFinish",
      () => Bun.sleep(4000),
      (level, line) => lines.push(`${level} ${line}`),
    );
    for (let event = 0; event < 6; event++) queue.add(event);
    const closed = queue.close(unhurried);
    for (let i = 0; i < 10; i++) {
      jest.advanceTimersByTime(1000);
      await new Promise((next) => process.nextTick(next));
    }
    await closed;
    expect(lines).toEqual([
      "warn onTaskFinish was not called for the last 3 events: the run has waited 10 s for it",
    ]);
  });
});

/** Nobody says that the run is to stop now. */
const unhurried = new Promise<string>(() => undefined);

const none = (): void => {
  throw new Error("nothing was to be logged");
};

describe("hooks", () => {
  test("asynchronous ones come one after the other, in order, and the end waits for them", async () => {
    const steps: string[] = [];
    const queue = new HookQueue<number>(
      "h",
      async (event) => {
        steps.push(`${event} begins`);
        await Promise.resolve();
        steps.push(`${event} ends`);
      },
      none,
    );
    for (const event of [1, 2, 3]) queue.add(event);
    await queue.close(unhurried);
    expect(steps).toEqual([1, 2, 3].flatMap((event) => [`${event} begins`, `${event} ends`]));
  });

  test("synchronous ones are called at once", () => {
    const seen: number[] = [];
    const queue = new HookQueue<number>("h", (event) => seen.push(event), none);
    for (const event of [1, 2, 3]) queue.add(event);
    expect(seen).toEqual([1, 2, 3]);
  });

  test("a thousand that wait are as many as may; then the run waits until there is room", async () => {
    const first = Promise.withResolvers<void>();
    const queue = new HookQueue<number>("h", (event) => (event === 0 ? first.promise : 0), none);
    for (let event = 0; event < 1000; event++) queue.add(event);
    expect(queue.full).toBeUndefined();
    queue.add(1000);
    const room = queue.full;
    expect(room).toBeInstanceOf(Promise);
    first.resolve();
    await room;
    expect(queue.full).toBeUndefined();
  });

  test("a failure is logged, and changes nothing", async () => {
    const lines: string[] = [];
    const log = (level: string, line: string): void => void lines.push(`${level} ${line}`);
    const queue = new HookQueue<() => unknown>("a", (act) => act(), log);
    queue.add(() => Promise.reject(new Error("later")));
    queue.add(() => {
      throw new TypeError("now");
    });
    queue.add(() => 3);
    await queue.close(unhurried);
    await callHook("b", () => Promise.reject(new Error("at last")), log, unhurried);
    expect(lines).toEqual(["warn a failed: later", "warn a failed: now", "warn b failed: at last"]);
  });

  test("a run that is told to stop now waits for none, and says which", async () => {
    const lines: string[] = [];
    const log = (level: string, line: string): void => void lines.push(`${level} ${line}`);
    const endless = new Promise(() => undefined);
    const hurried = Promise.resolve("stopped");
    const one = new HookQueue<number>("one", () => endless, log);
    one.add(1);
    await one.close(hurried);
    const three = new HookQueue<number>("three", () => endless, log);
    for (const event of [1, 2, 3]) three.add(event);
    await three.close(hurried);
    await callHook("last", () => endless, log, hurried);
    expect(lines).toEqual([
      "warn one was not waited for: stopped",
      "warn three was not called for the last 2 events: stopped",
      "warn last was not waited for: stopped",
    ]);
  });
});
