// Numbers and durations as the page writes them.

import { expect, test } from "bun:test";

import { ago, duration, rough, roughDuration, time } from "../../../src/page/app/format.ts";

const s = 1000;
const min = 60 * s;
const h = 60 * min;
const d = 24 * h;

test.each([
  [0, "0 ms"],
  [-5, "0 ms"],
  [340.4, "340 ms"],
  [999.6, "1.00 s"],
  [1234, "1.23 s"],
  [9_999, "10.0 s"],
  [59_949, "59.9 s"],
  // Not 60.0 s.
  [59_960, "1 min"],
  [61 * s, "1 min 1 s"],
  [4 * min + 12 * s, "4 min 12 s"],
  [59 * min + 59.7 * s, "1 h"],
  [3 * h + 5 * min + 59 * s, "3 h 5 min"],
  [d + 30 * min, "1 d"],
  [2 * d + 4 * h, "2 d 4 h"],
])("%d ms are written %p", (ms, text) => expect(duration(ms)).toBe(text));

test.each([
  [1, "1 s"],
  [6_001, "7 s"],
  [58_001, "59 s"],
  [59_001, "1 min"],
  [61 * s, "1 min 1 s"],
])("an estimate of %d ms is written %p", (ms, text) => expect(roughDuration(ms)).toBe(text));

test.each([
  [0.25, "0.25"],
  [12.345, "12.3"],
  [340, "340"],
  [56_934, "56,900"],
  [1_234_567, "1,230,000"],
])("a rate of %d is written %p", (value, text) => expect(rough(value)).toBe(text));

test.each([
  [4 * s, "just now"],
  [30 * s, "30 s ago"],
  [59.97 * s, "59 s ago"],
  [5 * min + 20 * s, "5 min ago"],
  [3 * h + 5 * min, "3 h ago"],
  [9 * d, "9 d ago"],
])("%d ms ago is written %p", (past, text) => expect(ago(0, past)).toBe(text));

test("what is no time is no error of the whole view", () => {
  for (const typed of ["abc", "99999999999999999999"]) expect(time(Number(typed))).toBe("–");
});
