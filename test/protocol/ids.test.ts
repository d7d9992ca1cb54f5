import { expect, test } from "bun:test";
import { runId, slot, taskId } from "../../src/protocol/ids.ts";

test.each([0, -1, 1.5, Number.NaN, 2 ** 53])("%p is neither a run's id nor a task's", (value) => {
  expect(() => runId(value)).toThrow(RangeError);
  expect(() => taskId(value)).toThrow(RangeError);
});

test("slots begin at 0", () => {
  expect(slot(0)).toBe(slot(0));
  expect(() => slot(-1)).toThrow("a slot must be an integer of at least 0, not -1");
});
