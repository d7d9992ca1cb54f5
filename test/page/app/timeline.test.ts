import { expect, test } from "bun:test";

import { hitAt, layoutOf } from "../../../src/page/app/timeline/layout.ts";
import { panned, Scale, ticksOf, zoomed } from "../../../src/page/app/timeline/scale.ts";
import type { TimelineRow, TimeSpan } from "../../../src/page/contract.ts";
import { TimeAxis } from "../../../src/page/index/time-axis.ts";
import { Random } from "../../simulator/random.ts";

/** A run of up to an hour with idle times, of which a part is shown, or more than there is data of. */
function randomScale(random: Random): { readonly axis: TimeAxis; readonly scale: Scale } {
  const from = random.int(0, 1000);
  const to = from + random.int(10, 3_600_000);
  const third = (to - from) / 3;
  const idle = random.chance(0.5) ? [{ from: from + third, to: from + 2 * third }] : [];
  const axis = new TimeAxis({ from, to }, idle);
  const begin = from + random.int(-5, Math.floor(third));
  const shown = { from: begin, to: begin + random.int(2, Math.ceil(2 * third) + 2) };
  return { axis, scale: new Scale(axis, shown, random.int(200, 2_500)) };
}

test("a time has one place, and the place that time", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const { scale } = randomScale(new Random(seed));
    expect(scale.x(scale.shown.from)).toBeCloseTo(0, 5);
    expect(scale.x(scale.shown.to)).toBeCloseTo(scale.width, 5);
    for (let x = 0; x <= scale.width; x += scale.width / 7)
      expect([seed, x, Math.abs(scale.x(scale.time(x)) - x) < 0.01]).toEqual([seed, x, true]);
  }
});

test("zoom keeps what is under the pointer, within the run; nothing is left of 1 ms", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const { axis, scale } = randomScale(random);
    const bounds = { from: axis.from, to: axis.to };
    const x = random.int(0, scale.width);
    const range = zoomed(scale, x, random.pick([0.01, 0.5, 2, 1000]), bounds);
    for (const each of [range, panned(scale, random.int(-9000, 9000), bounds)]) {
      expect(each.from).toBeGreaterThanOrEqual(axis.from);
      expect(each.to).toBeLessThanOrEqual(axis.to);
      expect(each.to - each.from).toBeGreaterThanOrEqual(1);
    }
    const near = zoomed(scale, x, 0.5, bounds);
    const time = Math.min(Math.max(scale.time(x), bounds.from), bounds.to);
    expect(near.from).toBeLessThanOrEqual(time + 1);
    expect(near.to).toBeGreaterThanOrEqual(time - 1);
  }
  const whole = { from: 0, to: 1000 };
  const scale = new Scale(new TimeAxis(whole, []), { from: 200, to: 400 }, 100);
  expect(panned(scale, Infinity, whole)).toEqual({ from: 800, to: 1000 });
  expect(panned(scale, -Infinity, whole)).toEqual({ from: 0, to: 200 });
});

const textsOf = (from: number, to: number): readonly string[] => {
  const axis = new TimeAxis({ from: 0, to: 400_000_000 }, []);
  return ticksOf(new Scale(axis, { from, to }, 400), 0).map(({ text }) => text);
};

test("ticks are of one row, and tell how long the run has run", () => {
  expect(textsOf(0, 10)).toEqual(["0 ms", "5 ms", "10 ms"]);
  expect(textsOf(65_000, 65_400)).toEqual(["1:05.0", "1:05.1", "1:05.2", "1:05.3", "1:05.4"]);
  expect(textsOf(0, 40_000)).toEqual(["0 s", "10 s", "20 s", "30 s", "40 s"]);
  expect(textsOf(86_400_000, 100_800_000)).toEqual([
    "1 d 0:00:00",
    "1 d 1:00:00",
    "1 d 2:00:00",
    "1 d 3:00:00",
    "1 d 4:00:00",
  ]);
  for (let seed = 1; seed <= 300; seed++) {
    const { axis, scale } = randomScale(new Random(seed));
    const ticks = ticksOf(scale, axis.from);
    for (const [i, { x }] of ticks.entries()) {
      expect(x).toBeLessThanOrEqual(scale.width + 1e-6);
      if (i > 0) expect(x - (ticks[i - 1]?.x ?? 0)).toBeGreaterThan(50);
    }
  }
});

const row = (spans: readonly TimeSpan[]): TimelineRow => ({
  machine: null,
  thread: null,
  key: 0,
  all: spans.length,
  tasks: spans.length,
  failed: 0,
  busyMs: 0,
  lines: 1 + Math.max(0, ...spans.map(([, , , , line]) => line)),
  spans,
  buckets: null,
});

test("a task of 1 ms in an hour can be hit, and a failure before what is around it", () => {
  const rows = [
    row([
      [1, 0, 1_800_000, "done", 0],
      [2, 1_800_000, 1_800_001, "error", 0],
      [3, 1_800_001, 3_600_000, "done", 0],
      [4, 900_000, 900_000, "done", 1],
    ]),
    row([[5, 0, 3_600_000, "running", 0]]),
  ];
  const layout = layoutOf(rows);
  const axis = new TimeAxis({ from: 0, to: 3_600_000 }, []);
  const scale = new Scale(axis, axis, 1000);
  const at = (x: number, y: number): number | undefined => {
    const hit = hitAt(rows, layout, scale, { x, y });
    return hit?.type === "task" ? hit.span[0] : undefined;
  };
  expect(at(500, 8)).toBe(2);
  expect(at(502, 8)).toBe(2);
  expect(at(480, 8)).toBe(1);
  expect(at(600, 8)).toBe(3);
  expect(at(252, 29)).toBe(4);
  expect(at(300, 29)).toBeUndefined();
  expect(at(300, (layout.rows[1]?.top ?? 0) + 10)).toBe(5);
  expect(at(300, layout.height + 5)).toBeUndefined();
});

test("failures of 0 ms around a squeezed time, and at the run's end, can be hit", () => {
  const axis = new TimeAxis({ from: 0, to: 100 }, [
    { from: 10, to: 50 },
    { from: 50, to: 100 },
  ]);
  const rows = [
    row([
      [1, 0, 10, "done", 0],
      [2, 50, 50, "error", 0],
      [3, 100, 100, "error", 0],
    ]),
  ];
  const [scale, layout] = [new Scale(axis, axis, 1000), layoutOf(rows)];
  const at = (x: number, y = 10): number | string | undefined => {
    const hit = hitAt(rows, layout, scale, { x, y });
    return hit?.type === "task" ? hit.span[0] : hit?.type;
  };
  expect([100, scale.x(50) + 1, 990, 999].map((x) => at(x))).toEqual([1, 2, "idle", 3]);
  expect(at(999, layout.height + 5)).toBe("idle");
});

test("of buckets, a hit tells their time and how many tasks were there", () => {
  const level = Array.from({ length: 100 }, (_, i) => (i === 50 ? 300 : 0));
  const tasks = level.map((each) => each / 100);
  const failed = level.map((each) => (each > 0 ? 1 : 0));
  const rows = [{ ...row([]), spans: null, buckets: { level, tasks, failed, running: null } }];
  const axis = new TimeAxis({ from: 0, to: 1000 }, []);
  const scale = new Scale(axis, axis, 500);
  const layout = layoutOf(rows);
  expect(hitAt(rows, layout, scale, { x: 252, y: 10 })).toEqual({
    type: "bucket",
    row: 0,
    from: expect.closeTo(500),
    to: expect.closeTo(510),
    tasks: 3,
    failed: 1,
  });
  expect(hitAt(rows, layout, scale, { x: 100, y: 10 })).toBeUndefined();
});
