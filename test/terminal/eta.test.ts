import { describe, expect, test } from "bun:test";
import { EtaEstimator } from "../../src/terminal/eta.ts";

/** Plays work at a rate that changes, and returns the remaining seconds at each half second. */
function remaining(total: number, rateAt: (second: number) => number, seconds: number) {
  const eta = new EtaEstimator();
  const shown: (number | null)[] = [];
  let work = 0;
  for (let tick = 0; tick <= seconds * 10; tick++) {
    if (tick > 0) work += rateAt(tick / 10) / 10;
    const finished = Math.floor(work);
    const { remainingMs } = eta.next({ now: tick * 100, finished, work, total });
    if (tick % 5 === 0) shown.push(remainingMs === null ? null : remainingMs / 1000);
  }
  return shown;
}

test("the remaining time is unknown for a second, then right, then counts down", () => {
  const shown = remaining(100, () => 10, 9);
  expect(shown.slice(0, 2)).toEqual([null, null]);
  expect(shown[2]).toBeCloseTo(9, 0);
  expect(shown.at(-1)).toBeCloseTo(1, 0);
});

test("the remaining time moves without jumps and follows a rate that has changed", () => {
  const shown = remaining(10_000, (second) => (second < 60 ? 100 : 50), 110);
  expect(shown[118]).toBeCloseTo(41, -1);
  // At the change 4,000 are left: 40 s at the old rate, 80 s at the new one.
  expect(shown.at(-1)).toBeCloseTo((10_000 - 6000 - 2500) / 50, -1);
  const jumps = shown.slice(3).map((value, i) => Math.abs((value ?? 0) - (shown[i + 2] ?? 0)));
  expect(Math.max(...jumps)).toBeLessThan(6);
});

const play = (learned: (now: number) => number | undefined, total: number | null = 100) => {
  const eta = new EtaEstimator();
  return (now: number) =>
    eta.next({ now, finished: 0, work: 0, total, learned: () => learned(now) }).remainingMs;
};

describe("where earlier runs say what is left", () => {
  test("it is shown from the first moment, and counts down", () => {
    const shown = play((now) => 60_000 - now);
    expect([0, 100, 200, 1000, 30_000].map(shown)).toEqual([
      60_000, 59_900, 59_800, 59_000, 30_000,
    ]);
  });

  test("also where they say it only a moment later, or the total is known only then", () => {
    const shown = play((now) => (now < 150 ? undefined : 60_000 - now));
    expect([0, 100, 200, 1000].map(shown)).toEqual([null, null, 59_800, 59_000]);
    const unknown = play((now) => 60_000 - now, null);
    expect([0, 100, 2000].map(unknown)).toEqual([null, null, null]);
  });

  test("a small difference is taken over step by step, a large one at once", () => {
    const small = play((now) => (now < 10_000 ? 60_000 : 62_000) - now);
    for (let now = 0; now < 10_000; now += 500) small(now);
    expect(small(10_000)).toBeCloseTo(50_400);
    const large = play((now) => (now < 10_000 ? 60_000 : 200_000) - now);
    for (let now = 0; now < 10_000; now += 500) large(now);
    expect(large(10_000)).toBe(190_000);
  });
});

test("a clock that is set back restarts the measurement", () => {
  const eta = new EtaEstimator();
  const at = (now: number, done: number) =>
    eta.next({ now, finished: done, work: done, total: 1000 }).remainingMs;
  for (let second = 0; second < 20; second++) at(second * 1000, second * 10);
  for (let second = 20; second < 40; second++) at(second * 1000 - 3_600_000, second * 10);
  expect(at(40_000 - 3_600_000, 400)).toBeCloseTo(60_000, -3);
});

test("without a total there is a rate and no remaining time; without progress there is neither", () => {
  const eta = new EtaEstimator();
  for (let tick = 0; tick < 50; tick++) {
    eta.next({ now: tick * 100, finished: tick * 5, work: tick * 5, total: null });
  }
  const shown = eta.next({ now: 5000, finished: 250, work: 250, total: null });
  expect(shown.remainingMs).toBeNull();
  expect(shown.perSecond).toBeCloseTo(50);
  expect(remaining(10, () => 0, 30).every((value) => value === null)).toBe(true);
});
