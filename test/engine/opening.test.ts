import { expect, test } from "bun:test";

import { sizeOf } from "../../src/engine/opening.ts";

const unknown = Number.POSITIVE_INFINITY;

test.each([
  [{}, unknown, 8, 8],
  [{}, 3, 3, 3],
  [{}, 0, 1, 1],
  [{ workers: 20 }, unknown, 20, 20],
  [{ workers: 20 }, 3, 3, 3],
  [{ concurrency: 2 }, unknown, 2, 2],
  [{ concurrency: 100 }, unknown, 8, 100],
  [{ workers: 4, concurrency: 2 }, unknown, 2, 2],
])("%p and %d tasks on 8 cores: %i workers, %i at once", (options, tasks, workers, concurrency) => {
  const size = sizeOf({ workers: undefined, concurrency: undefined, cores: 8, ...options }, tasks);
  expect(size).toEqual({ workers, concurrency });
});
