import { expect, test } from "bun:test";
import {
  clock,
  countdown,
  duration,
  exactDuration,
  waitText,
} from "../../src/base/format-duration.ts";

test("clocks and durations", () => {
  expect([0, 59_999, 754_000, 3_600_000, 360_000_000].map(clock)).toEqual([
    "0:00",
    "0:59",
    "12:34",
    "1:00:00",
    "100:00:00",
  ]);
  expect([0, 340, 999.6, 7300, 59_960, 125_000, 12_000_000].map(duration)).toEqual([
    "0 ms",
    "340 ms",
    "1.0 s",
    "7.3 s",
    "1 min 00 s",
    "2 min 05 s",
    "3 h 20 min",
  ]);
});

test("waits are not rounded to seconds where they are shorter", () => {
  expect([-5, 0, 0.2, 250, 999, 999.5, 1000, 1510, 9999, 10_001, 125_000].map(waitText)).toEqual([
    "now",
    "now",
    "in 1 ms",
    "in 250 ms",
    "in 999 ms",
    "in 1 s",
    "in 1 s",
    "in 1.6 s",
    "in 10 s",
    "in 11 s",
    "in 2 min 05 s",
  ]);
  expect([0, 30, 240, 900, 901, 1001, 9001].map(countdown)).toEqual([
    "now",
    "in 100 ms",
    "in 300 ms",
    "in 900 ms",
    "in 1 s",
    "in 2 s",
    "in 10 s",
  ]);
});

test("durations that somebody has set keep their value", () => {
  expect([0, 250, 1500, 45_000, 5_400_000, 7 * 86_400_000].map(exactDuration)).toEqual([
    "0 ms",
    "250 ms",
    "1500 ms",
    "45 s",
    "90 min",
    "7 d",
  ]);
});
