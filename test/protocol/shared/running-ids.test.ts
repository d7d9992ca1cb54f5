import { expect, test } from "bun:test";

import { taskId } from "../../../src/protocol/ids.ts";
import { WorkerMemory } from "../../../src/protocol/shared/worker-memory.ts";

test("another thread sees which tasks run", () => {
  const { buffer, runningIds } = WorkerMemory.create(3);
  runningIds.set(0, taskId(7));
  runningIds.set(2, taskId(9));
  expect(WorkerMemory.from(buffer).runningIds.list()).toEqual([taskId(7), taskId(9)]);
  runningIds.clear(0);
  expect(runningIds.list()).toEqual([taskId(9)]);
});

test("a worker is busy when none of its slots is idle", () => {
  const { runningIds } = WorkerMemory.create(2);
  expect(runningIds.isBusy).toBe(false);
  runningIds.set(0, taskId(7));
  expect(runningIds.isBusy).toBe(false);
  runningIds.set(1, taskId(8));
  expect(runningIds.isBusy).toBe(true);
  runningIds.clear(0);
  expect(runningIds.isBusy).toBe(false);
});
