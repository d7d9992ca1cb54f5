import { expect, test } from "bun:test";
import { clock, duration } from "../../src/base/format-duration.ts";

test("clocks and durations", () => {
  expect([0, 59_999, 3_600_000, 360_000_000].map(clock)).toEqual([
    "0:00:00",
    "0:00:59",
    "1:00:00",
    "100:00:00",
  ]);
  expect([0, 340, 999.6, 7300, 59_960, 125_000, 12_000_000].map(duration)).toEqual([
    "0 ms",
    "340 ms",
    "1000 ms",
    "7.3 s",
    "1 min 00 s",
    "2 min 05 s",
    "3 h 20 min",
  ]);
});
