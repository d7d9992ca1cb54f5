import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { durationMs, maxDurationMs } from "../../src/base/parse-duration.ts";

test.each<[value: number | string, ms: number]>([
  [250, 250],
  [0, 0],
  ["250ms", 250],
  ["30s", 30_000],
  ["1.5s", 1500],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["1d", 86_400_000],
  ["1m30s", 90_000],
  [" 10 s ", 10_000],
])("%p is %i ms", (value, ms) => {
  expect(durationMs(value, "timeout")).toBe(ms);
});

test.each<string | number>([
  "",
  " ",
  "5",
  "5x",
  "s",
  "-1s",
  "1s-",
  "1..5s",
  "1e3ms",
  "soon",
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
])("%p is no duration", (value) => {
  expect(() => durationMs(value, 'task "a": timeout')).toThrow(
    /^task "a": timeout must be milliseconds or a duration like/,
  );
});

test.each<string | number>([maxDurationMs + 1, "25d", "600h"])("%p is too long", (value) => {
  expect(() => durationMs(value, "timeout")).toThrow("timeout must be at most 24 days");
});

test("property: parts add up", () => {
  const parts = fc.record({ h: fc.nat(100), m: fc.nat(100), s: fc.nat(100), ms: fc.nat(999) });
  fc.assert(
    fc.property(parts, ({ h, m, s, ms }) => {
      const sum = ((h * 60 + m) * 60 + s) * 1000 + ms;
      expect(durationMs(`${h}h${m}m${s}s${ms}ms`, "x")).toBe(sum);
    }),
  );
});
