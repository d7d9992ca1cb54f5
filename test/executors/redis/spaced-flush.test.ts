// When frames are sent: at once while there are few, and spaced while there are many.

import { expect, test } from "bun:test";

import type { Timer } from "../../../src/base/clock.ts";
import { SpacedFlush } from "../../../src/executors/redis/spaced-flush.ts";

/** When frames are sent that are asked for at these times. */
function sentAt(asked: readonly number[]): number[] {
  let now = 0;
  const sent: number[] = [];
  const flushes = new SpacedFlush({
    now: () => now,
    soon: () => sent.push(now),
    after: (ms) => {
      sent.push(now + ms);
      return 0 as unknown as Timer;
    },
  });
  for (const at of asked) {
    now = at;
    flushes.soon(() => undefined);
  }
  return sent;
}

test("frames that are asked for now and then wait for nothing", () => {
  const asked = [0, 0.5, 1, 10, 12, 14, 16, 18, 20];
  expect(sentAt(asked)).toEqual(asked);
});

test("of many, the first few are sent at once, and the others every 2 ms", () => {
  expect(sentAt(Array.from({ length: 8 }, () => 5))).toEqual([5, 5, 5, 5, 7, 9, 11, 13]);
  const stream = Array.from({ length: 200 }, (_, index) => index / 2);
  const last = sentAt(stream).at(-1) ?? 0;
  expect(last).toBeGreaterThan(380);
});
