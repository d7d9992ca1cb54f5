import { expect, test } from "bun:test";

import { pipeline } from "../../src/api/pipeline.ts";
import { task } from "../../src/api/task.ts";
import type { Duration } from "../../src/base/parse-duration.ts";
import { registry } from "../../src/api/registry.ts";

type Keep = { runs?: number; age?: Duration };

const keepOf = (keep: Keep): unknown => {
  registry.tasks.clear();
  registry.sealed = false;
  const noop = task({ name: "noop", run: () => 1 });
  return pipeline({ name: "posts", keep, tasks: () => noop() }).keep;
};

test("runs, age, or both", () => {
  expect(keepOf({ runs: 50 })).toEqual({ runs: 50, ageMs: null });
  expect(keepOf({ age: "30d" })).toEqual({ runs: null, ageMs: 30 * 86_400_000 });
  expect(keepOf({ runs: 1, age: "1h" })).toEqual({ runs: 1, ageMs: 3_600_000 });
});

test.each<[Keep, string]>([
  [{}, "keep needs `runs`, `age` or both"],
  [{ runs: 0 }, "keep.runs must be a whole number of at least 1"],
  [{ runs: 1.5 }, "keep.runs"],
  // @ts-expect-error not a duration
  [{ age: "soon" }, "keep.age"],
])("%p is refused", (keep, says) => {
  expect(() => keepOf(keep)).toThrow(says);
});
