// The engine's small parts: the summary, the source of nodes, hooks, and the watch over timeouts.

import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { aheadOf } from "../../src/engine/pool.ts";
import { callHook } from "../../src/engine/hooks.ts";
import { sourceOf, type Stream } from "../../src/engine/source.ts";
import { SummaryCollector } from "../../src/engine/summary.ts";
import { TimeoutWatch } from "../../src/engine/timeout-watch.ts";
import type { RunStarted, TaskFinished } from "../../src/protocol/events.ts";
import { runId, taskId } from "../../src/protocol/ids.ts";
import { node } from "../support/nodes.ts";

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
      summary.add(ended(1, { status }));
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

const streamOf = (work: Parameters<typeof sourceOf>[0]): Stream => {
  const source = sourceOf(work);
  if (source.kind === "all") throw new Error("not a stream");
  return source.stream;
};
const nothing = (): void => undefined;

describe("where nodes come from", () => {
  test("one node, or a list, is all there is", () => {
    const one = node("a");
    expect(sourceOf(one)).toEqual({ kind: "all", nodes: [one] });
    expect(sourceOf([one, one])).toEqual({ kind: "all", nodes: [one, one] });
  });

  test("a generator is pulled one by one", () => {
    const [a, b] = [node("a"), node("b")];
    const stream = streamOf(new Set([a, b]));
    expect(stream.pull(nothing, nothing)).toEqual({ node: a });
    expect(stream.pull(nothing, nothing)).toEqual({ node: b });
    expect(stream.isDone).toBe(false);
    expect(stream.pull(nothing, nothing)).toBeUndefined();
    expect(stream.isDone).toBe(true);
  });

  test("an async one is asked for one at a time", async () => {
    let asked = 0;
    const stream = streamOf(
      (async function* () {
        asked++;
        yield node("a");
      })(),
    );
    const arrived = Promise.withResolvers<unknown>();
    expect(stream.pull(arrived.resolve, arrived.reject)).toBeUndefined();
    expect(stream.isPending).toBe(true);
    expect(stream.pull(nothing, nothing)).toBeUndefined();
    expect(await arrived.promise).toMatchObject({ kind: "task" });
    expect([asked, stream.isPending, stream.isDone]).toEqual([1, false, false]);
  });

  test("closing lets a generator clean up, once", () => {
    let closed = 0;
    const stream = streamOf(
      (function* () {
        try {
          yield node("a");
          yield node("b");
        } finally {
          closed++;
        }
      })(),
    );
    stream.pull(nothing, nothing);
    stream.close();
    stream.close();
    expect(closed).toBe(1);
    expect(stream.isDone).toBe(true);
    expect(stream.pull(nothing, nothing)).toBeUndefined();
  });
});

describe("with time in the test's hands", () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  test("a task is overdue its timeout and the grace after its start", () => {
    const overdue: number[] = [];
    const watch = new TimeoutWatch(2000, (id) => overdue.push(id));
    const now = Date.now();
    watch.watch(taskId(1), now + 100);
    watch.watch(taskId(2), now + 100);
    watch.watch(taskId(3), now - 5000);
    watch.forget(taskId(2));
    jest.advanceTimersByTime(1999);
    expect(overdue).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(overdue).toEqual([3]);
    jest.advanceTimersByTime(100);
    expect(overdue).toEqual([3, 1]);
  });

  test("watched again, the later time counts; cleared, none does", () => {
    const overdue: number[] = [];
    const watch = new TimeoutWatch(0, (id) => overdue.push(id));
    watch.watch(taskId(1), Date.now() + 10);
    watch.watch(taskId(1), Date.now() + 50);
    jest.advanceTimersByTime(49);
    expect(overdue).toEqual([]);
    watch.clear();
    jest.advanceTimersByTime(1000);
    expect(overdue).toEqual([]);
  });

  test("a hook that does not come to an end is left behind after 10 s", async () => {
    const lines: string[] = [];
    const called = callHook(
      "onFinish",
      () => new Promise(() => undefined),
      (level, line) => lines.push(`${level} ${line}`),
    );
    jest.advanceTimersByTime(10_000);
    await called;
    expect(lines).toEqual(["warn onFinish failed: not finished after 10 s"]);
  });
});

test("a hook that fails is logged, and changes nothing", async () => {
  const lines: string[] = [];
  const log = (level: string, line: string): void => void lines.push(`${level} ${line}`);
  await callHook("a", () => Promise.reject(new Error("later")), log);
  await callHook(
    "b",
    () => {
      throw new TypeError("now");
    },
    log,
  );
  await callHook("c", () => 3, log);
  expect(lines).toEqual(["warn a failed: later", "warn b failed: now"]);
});

test.each([
  [undefined, 1, 0],
  [0.01, 1, 1000],
  [2, 1, 13],
  [5, 1, 5],
  [12.5, 1, 2],
  [100, 1, 1],
  [100, 16, 8],
  [201, 16, 0],
])("of tasks of %p ms, a Worker with %i lanes holds %i ahead", (averageMs, lanes, ahead) => {
  expect(aheadOf({ averageMs, lanes })).toBe(ahead);
});
