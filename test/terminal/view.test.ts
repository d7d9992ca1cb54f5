import { expect, test } from "bun:test";
import { taskId } from "../../src/protocol/ids.ts";
import { finishedCount, fold, foldFollowed, newView, shownTitle } from "../../src/terminal/view.ts";
import { event } from "./rig.ts";

test("only what runs or waits is held", () => {
  const view = newView();
  fold(view, [event.runStarted({ alreadyDone: 3 }), event.total(10_003)]);
  for (let id = 1; id <= 10_000; id++) fold(view, [event.started(id), event.finished(id)]);
  expect(view.running.size + view.waiting.size).toBe(0);
  expect(view.done).toBe(10_003);
});

test("a task that starts and ends in one event is counted", () => {
  const view = newView();
  fold(view, [event.finished(1), event.finished(2, "error"), event.finished(3, "skipped")]);
  fold(view, [event.finished(4, "cancelled")]);
  expect(view).toMatchObject({ done: 1, failed: 1, skipped: 1, cancelled: 1 });
  // A cancelled task runs again when the run is resumed.
  expect(finishedCount(view)).toBe(3);
});

test("a retry waits, starts again and ends", () => {
  const view = newView();
  fold(view, [event.started(1), event.progress(1, 0.5), event.retrying(1, 2000)]);
  expect(view.running.size).toBe(0);
  expect(view.waiting.get(taskId(1))).toMatchObject({ attempt: 2 });
  expect(view.partial).toBe(0);
  fold(view, [event.started(1, 2000, "task-1", 2)]);
  expect(view.waiting.size).toBe(0);
  expect(view.running.get(taskId(1))).toMatchObject({ attempt: 2, progress: undefined });
});

test("the run of another process: counts of its file, and a task that left has not ended", () => {
  const view = newView();
  fold(view, [event.started(1), event.progress(1, 0.5), event.finished(2)]);
  const counts = { done: 7, error: 1, cancelled: 0, skipped: 0 };
  foldFollowed(view, { startedAt: 5, counts, left: [taskId(1)] });
  expect(view).toMatchObject({ startedAt: 5, done: 7, failed: 1, cancelled: 0, partial: 0 });
  expect(view.running.size).toBe(0);
});

test("done tasks that have left the plan do not finish more than is planned", () => {
  const view = newView();
  Object.assign(view, { done: 7, failed: 1 });
  expect(finishedCount(view)).toBe(8);
  fold(view, [{ type: "run-total", total: 4, complete: true }]);
  expect(finishedCount(view)).toBe(4);
});

test("the half-done work is the sum of the running tasks' progress", () => {
  const view = newView();
  fold(view, [event.started(1), event.started(2), event.progress(1, 0.25), event.progress(2, 0.5)]);
  fold(view, [event.progress(1, 0.75)]);
  expect(view.partial).toBeCloseTo(1.25);
  fold(view, [event.finished(1)]);
  expect(view.partial).toBeCloseTo(0.5);
  fold(view, [event.finished(2), event.progress(2, 0.9)]);
  expect(view.partial).toBe(0);
});

test("tasks of one name are shown with their ids, others without", () => {
  const view = newView();
  fold(view, [
    event.started(1, 0, "load"),
    event.started(2, 0, "load"),
    event.started(3, 0, "rest"),
  ]);
  expect(shownTitle(view, { name: "load", id: taskId(1) })).toBe("load #1");
  expect(shownTitle(view, { name: "rest", id: taskId(3) })).toBe("rest");
  fold(view, [event.finished(1, "done", 1, "load")]);
  expect(shownTitle(view, { name: "load", id: taskId(2) })).toBe("load #2");
});
