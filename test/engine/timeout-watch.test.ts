import { afterEach, beforeEach, expect, jest, test } from "bun:test";

import { TimeoutWatch } from "../../src/engine/timeout-watch.ts";
import { taskId } from "../../src/protocol/ids.ts";
import { useFakeTime, useRealTime } from "../support/fake-time.ts";

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
