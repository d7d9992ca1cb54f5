import { expect, test } from "bun:test";

import { maxLogLines } from "../../src/api/logs.ts";
import { pipeline } from "../../src/api/pipeline.ts";

test("the default of a pipeline is 10,000 lines, and a task has none of its own", () => {
  expect(pipeline({ name: "p", tasks: [] }).maxLogLines).toBe(10_000);
  expect(pipeline({ name: "p", logs: { maxLines: 5 }, tasks: [] }).maxLogLines).toBe(5);
  expect(maxLogLines(undefined, "t")).toBeUndefined();
  expect(maxLogLines({}, "t")).toBeUndefined();
  expect(maxLogLines({ maxLines: Number.POSITIVE_INFINITY }, "t")).toBe(Number.POSITIVE_INFINITY);
});

test.each([
  [{ maxLines: 0 }, "t: logs.maxLines must be an integer of at least 1, or Infinity, not 0"],
  [{ maxLines: 1.5 }, "not 1.5"],
  [{ maxLines: Number.NaN }, "not NaN"],
  [{ maxLines: "many" }, 'not "many"'],
  [5, "t: logs must be an object, e.g. { maxLines: 1000 }, not 5"],
])("%j is refused", (logs, message) => {
  expect(() => maxLogLines(logs as never, "t")).toThrow(message);
});
