import { expect, test } from "bun:test";
import { runId, workerId, taskId } from "../../src/protocol/ids.ts";

test.each([0, -1, 1.5, Number.NaN, 2 ** 53])("%p is neither a run's id nor a task's", (value) => {
  expect(() => runId(value)).toThrow(RangeError);
  expect(() => taskId(value)).toThrow(RangeError);
});

test("workerIds begin at 0", () => {
  expect(workerId(0)).toBe(workerId(0));
  expect(() => workerId(-1)).toThrow("a worker id must be an integer of at least 0, not -1");
});
