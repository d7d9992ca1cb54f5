import { expect, test } from "bun:test";
import * as fc from "fast-check";

import { Histogram } from "../../src/base/histogram.ts";

const of = (durations: readonly number[]): Histogram => {
  const histogram = new Histogram();
  for (const ms of durations) histogram.add(ms);
  return histogram;
};

const durations = fc.array(fc.oneof(fc.nat(20), fc.nat(5000), fc.nat(2 ** 31 - 1)), {
  minLength: 1,
  maxLength: 60,
});

test("property: a quantile is that of the sorted durations, to a quarter of it", () => {
  fc.assert(
    fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, part) => {
      const sorted = all.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(part * sorted.length) - 1] ?? 0;
      const estimate = of(all).quantile(part);
      expect(estimate).toBeGreaterThanOrEqual(exact * 0.8 - 1);
      expect(estimate).toBeLessThanOrEqual(exact * 1.25 + 1);
    }),
  );
});

test("property: the counts of two histograms add up to those of one", () => {
  fc.assert(
    fc.property(durations, durations, (a, b) => {
      const sum = of(a);
      sum.addCounts(of(b).counts);
      expect(sum.counts).toEqual(of([...a, ...b]).counts);
      expect(sum.size).toBe(a.length + b.length);
    }),
  );
});

test("the edges: nothing, a clock that was set back, longer than any bucket", () => {
  expect(of([]).quantile(0.95)).toBe(0);
  expect(of([-5, 0]).counts).toEqual([[0, 2]]);
  expect(of([2 ** 40]).counts).toEqual(of([2 ** 31 - 1]).counts);
});

test("a bucket that does not exist is left out", () => {
  const histogram = of([10]);
  histogram.addCounts([[5000, 3]]);
  expect(histogram.size).toBe(1);
});
