import { expect, test } from "bun:test";

import { SummaryCollector } from "../../src/engine/summary-collector.ts";
import type { TaskFinished } from "../../src/protocol/events.ts";
import { taskId } from "../../src/protocol/ids.ts";
import { started } from "./engine-parts.ts";

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

const end = {
  status: "done",
  failure: null,
  finishedAt: 9,
  queued: 2,
  interrupted: 1,
  alreadyDone: 3,
  rerun: "pipeloom run etl.ts --rerun failed",
} as const;

test("adds up", () => {
  const summary = new SummaryCollector();
  for (const status of ["done", "done", "error", "cancelled", "skipped"] as const) {
    summary.add(ended(1, { status, failure: { name: "E", message: "why" } }));
  }
  expect(summary.ended).toBe(5);
  expect(summary.finish(started, end)).toMatchObject({
    total: 11,
    done: 5,
    failed: 1,
    cancelled: 1,
    skipped: 1,
    queued: 2,
    interrupted: 1,
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
  expect(failures.map(({ id }) => Number(id))).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  expect(failureGroups).toEqual([
    { message: "E: often", count: 67, tasks: ["t1", "t2", "t4"] },
    { message: "E: rare", count: 33, tasks: ["t3", "t6", "t9"] },
  ]);
});

test("says how to run again what has failed, and nothing where all is done", () => {
  const summary = new SummaryCollector();
  summary.add(ended(1));
  expect(summary.finish(started, end).rerun).toBeNull();
  const failed = ended(2, { status: "error", failure: { name: "E", message: "why" } });
  summary.add({ ...failed, input: '{"day":3}' });
  summary.add(failed);
  const { rerun, failures } = summary.finish(started, end);
  expect(rerun).toBe(end.rerun);
  expect(failures.map(({ input }) => input)).toEqual(['{"day":3}', ""]);
  expect(failures.map(({ label }) => label)).toEqual(["day=3", undefined]);
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
