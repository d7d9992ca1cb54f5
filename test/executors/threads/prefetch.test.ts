import { expect, test } from "bun:test";

import {
  aheadOf,
  averageOf,
  idleSlots,
  moveSize,
  topUpSize,
} from "../../../src/executors/threads/prefetch.ts";
import { maxBatchSize } from "../../../src/protocol/shared/claims.ts";

test.each([
  [undefined, 1, 0],
  [0.01, 1, 1000],
  [2, 1, 13],
  [5, 1, 5],
  [12.5, 1, 2],
  [100, 1, 1],
  [100, 16, 8],
  [201, 16, 0],
])("of tasks of %p ms, a worker with %i slots holds %i ahead", (averageMs, slots, ahead) => {
  expect(aheadOf({ averageMs, slots })).toBe(ahead);
});

const all = Number.POSITIVE_INFINITY;
const short = { slots: 1, averageMs: 0.25 };
const long = { slots: 4, averageMs: 500 };

test("a worker is topped up to its target when it has run half empty", () => {
  expect(topUpSize({ ...short, outstanding: 51 }, all)).toBe(50);
  expect(topUpSize({ ...short, outstanding: 52 }, all)).toBe(0);
  expect(topUpSize({ ...long, outstanding: 3 }, all)).toBe(1);
  expect(topUpSize({ ...long, outstanding: 4 }, all)).toBe(0);
  expect(topUpSize({ slots: 2000, averageMs: undefined, outstanding: 0 }, all)).toBe(maxBatchSize);
});

test("a worker asks for its share, and for what its idle slots can start", () => {
  expect(topUpSize({ ...short, outstanding: 0 }, 7)).toBe(7);
  expect(topUpSize({ ...short, outstanding: 0 }, 0)).toBe(1);
  expect(topUpSize({ ...short, outstanding: 1 }, 0)).toBe(0);
});

test("an idle worker gets half of what waits in another, as far as it has room", () => {
  expect(moveSize({ ...short, outstanding: 0 }, 11)).toBe(6);
  expect(moveSize({ ...long, outstanding: 1 }, 11)).toBe(3);
  expect(idleSlots({ ...long, outstanding: 9 })).toBe(0);
});

test("the average follows the latest reports", () => {
  expect(averageOf(undefined, 8)).toBe(8);
  expect(averageOf(8, 2)).toBe(5);
});
