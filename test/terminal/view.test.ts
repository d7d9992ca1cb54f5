import { expect, test } from "bun:test";
import { taskId } from "../../src/protocol/ids.ts";
import { PaceMeter } from "../../src/terminal/eta.ts";
import { finishedCount, fold, labelOf, newView } from "../../src/terminal/view.ts";
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
  expect(finishedCount(view)).toBe(4);
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

test("tasks of one name are told apart, others are not numbered", () => {
  const view = newView();
  fold(view, [
    event.started(1, 0, "load"),
    event.started(2, 0, "load"),
    event.started(3, 0, "rest"),
  ]);
  expect(labelOf(view, "load", taskId(1))).toBe("load #1");
  expect(labelOf(view, "rest", taskId(3))).toBe("rest");
  fold(view, [event.finished(1, "done", 1, "load")]);
  expect(labelOf(view, "load", taskId(2))).toBe("load #2");
});

/** Plays work at a rate that changes, and returns the remaining seconds at each half second. */
function remaining(total: number, rateAt: (second: number) => number, seconds: number) {
  const pace = new PaceMeter();
  const shown: (number | null)[] = [];
  let work = 0;
  for (let tick = 0; tick <= seconds * 10; tick++) {
    if (tick > 0) work += rateAt(tick / 10) / 10;
    const finished = Math.floor(work);
    const { remainingMs } = pace.next({ now: tick * 100, finished, work, total });
    if (tick % 5 === 0) shown.push(remainingMs === null ? null : remainingMs / 1000);
  }
  return shown;
}

test("the remaining time is unknown for a second, then right, then counts down", () => {
  const shown = remaining(100, () => 10, 9);
  expect(shown.slice(0, 2)).toEqual([null, null]);
  expect(shown[2]).toBeCloseTo(9, 0);
  expect(shown.at(-1)).toBeCloseTo(1, 0);
});

test("the remaining time moves without jumps and follows a rate that has changed", () => {
  const shown = remaining(10_000, (second) => (second < 60 ? 100 : 50), 110);
  expect(shown[118]).toBeCloseTo(41, -1);
  // At the change 4,000 are left: 40 s at the old rate, 80 s at the new one.
  expect(shown.at(-1)).toBeCloseTo((10_000 - 6000 - 2500) / 50, -1);
  const jumps = shown.slice(3).map((value, i) => Math.abs((value ?? 0) - (shown[i + 2] ?? 0)));
  expect(Math.max(...jumps)).toBeLessThan(6);
});

test("a clock that is set back begins the measurement anew", () => {
  const pace = new PaceMeter();
  const at = (now: number, done: number) =>
    pace.next({ now, finished: done, work: done, total: 1000 }).remainingMs;
  for (let second = 0; second < 20; second++) at(second * 1000, second * 10);
  for (let second = 20; second < 40; second++) at(second * 1000 - 3_600_000, second * 10);
  expect(at(40_000 - 3_600_000, 400)).toBeCloseTo(60_000, -3);
});

test("without a total there is a rate and no remaining time; without progress there is neither", () => {
  const pace = new PaceMeter();
  for (let tick = 0; tick < 50; tick++) {
    pace.next({ now: tick * 100, finished: tick * 5, work: tick * 5, total: null });
  }
  const shown = pace.next({ now: 5000, finished: 250, work: 250, total: null });
  expect(shown.remainingMs).toBeNull();
  expect(shown.perSecond).toBeCloseTo(50);
  expect(remaining(10, () => 0, 30).every((value) => value === null)).toBe(true);
});
