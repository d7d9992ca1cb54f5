// The remaining time: a table of situations, and what holds at every moment of simulated runs.

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";

import { TaskNode } from "../../src/api/node.ts";
import { remainingMs, type Situation, stretchOf } from "../../src/protocol/forecast.ts";
import type { TaskVertex } from "../../src/plan/vertex.ts";
import { EtaEstimator } from "../../src/terminal/eta.ts";
import { definition } from "../support/nodes.ts";
import { learnedOf, type Sample, simulateRun, type Simulated } from "./forecast-rig.ts";

const quiet: Situation = {
  slots: 1,
  counts: [],
  running: [],
  expected: 0,
  elapsedMs: 0,
  stretch: 1,
};
const countsOf = (meanMs: number, left: readonly number[], ran: readonly number[] = []) => ({
  meanMs,
  left,
  ran,
});
const running = (elapsedMs: number, progress?: number, stage = 0) => ({
  definition: 0,
  stage,
  elapsedMs,
  progress,
});

describe("the remaining time, in seconds", () => {
  const cases: readonly (readonly [string, Partial<Situation>, number | undefined])[] = [
    ["nothing is known", {}, undefined],
    ["nothing is left", { counts: [countsOf(1000, [0], [5])], elapsedMs: 5000 }, undefined],
    ["at the start: the work, one after the other", { counts: [countsOf(1000, [9])] }, 9],
    ["two at once, and the last one alone", { slots: 2, counts: [countsOf(1000, [9])] }, 4.75],
    ["all at once", { slots: 9, counts: [countsOf(1000, [9])] }, 1],
    ["a stage after another", { slots: 9, counts: [countsOf(1000, [3, 3, 3])] }, 3],
    [
      "one long task among short ones",
      { slots: 4, counts: [countsOf(100, [9]), countsOf(8000, [1])] },
      8,
    ],
    [
      "tasks that are not planned yet are like the others",
      { counts: [countsOf(1000, [9])], expected: 9 },
      18,
    ],
    [
      "earlier runs took twice what their tasks explain",
      { counts: [countsOf(1000, [9])], stretch: 2 },
      18,
    ],
    [
      "a task that has begun",
      { counts: [countsOf(1000, [1])], running: [running(400)], elapsedMs: 400 },
      0.6,
    ],
    [
      "an overdue one: never 0",
      { counts: [countsOf(1000, [1])], running: [running(8000)], elapsedMs: 8000 },
      1.45,
    ],
    [
      "its own progress counts",
      { counts: [countsOf(1000, [1])], running: [running(8000, 0.8)], elapsedMs: 8000 },
      2,
    ],
  ];
  for (const [what, situation, seconds] of cases) {
    test(what, () => {
      const ms = remainingMs({ ...quiet, ...situation });
      if (seconds === undefined) expect(ms).toBeUndefined();
      else expect((ms ?? 0) / 1000).toBeCloseTo(seconds, 5);
    });
  }

  test("what is seen wins gradually: half of it is done, and has taken twice as long", () => {
    const counts = [countsOf(1000, [50], [50])];
    const [before, after] = [
      { ...quiet, counts: [countsOf(1000, [100])] },
      { ...quiet, counts, elapsedMs: 100_000 },
    ];
    expect(remainingMs(before)).toBeCloseTo(100_000);
    expect(remainingMs(after)).toBeWithin(85_000, 100_000);
  });
});

test("the stretch is what a session took, by what its tasks explain", () => {
  const counts = [countsOf(1000, [0], [10])];
  expect(stretchOf({ ...quiet, counts, elapsedMs: 12_000 })).toBeCloseTo(1.2);
  expect(stretchOf({ ...quiet, counts: [countsOf(0, [0], [10])], elapsedMs: 500 })).toBeNull();
});

// ── simulated runs ──

type Shape = {
  readonly stages: number;
  readonly items: number;
  readonly slots: number;
  /** Durations differ by up to this part. */
  readonly spread: number;
  /** One task before all, and one after all. */
  readonly head: boolean;
  readonly tail: boolean;
  /** Of the definitions: the stages, the head, the tail. */
  readonly means: readonly number[];
  readonly chances: readonly number[];
};

const shape: fc.Arbitrary<Shape> = fc.record({
  stages: fc.integer({ min: 1, max: 4 }),
  items: fc.integer({ min: 8, max: 60 }),
  slots: fc.integer({ min: 1, max: 8 }),
  spread: fc.double({ min: 0, max: 0.4, noNaN: true }),
  head: fc.boolean(),
  tail: fc.boolean(),
  means: fc.array(fc.integer({ min: 200, max: 10_000 }), { minLength: 6, maxLength: 6 }),
  chances: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 50, maxLength: 50 }),
});

function nodesOf({ stages, items, head, tail, means }: Shape): TaskNode[] {
  const definitions = means.map((_, i) => definition(String(i)));
  const make = (which: number, input: unknown, after: readonly TaskNode[]): TaskNode =>
    new TaskNode(definitions[which] ?? definition("none"), input, { after });
  const first = head ? [make(4, "head", [])] : [];
  const leaves = Array.from({ length: items }, (_, i) => {
    let last = make(0, i, first);
    for (let stage = 1; stage < stages; stage++) last = make(stage, i, [last]);
    return last;
  });
  return tail ? [make(5, "tail", leaves)] : leaves;
}

/** A run that learns from one of the same shape. @param drift its tasks take this many times as long as in that run */
function secondRun(of: Shape, drift: number): Simulated & { readonly longestMs: number } {
  let next = 0;
  let longestMs = 0;
  const duration =
    (factor: number) =>
    ({ definition: { name } }: TaskVertex): number => {
      const chance = of.chances[next++ % of.chances.length] ?? 0;
      const ms = Math.round((of.means[Number(name)] ?? 0) * factor * (1 + of.spread * chance));
      longestMs = Math.max(longestMs, ms);
      return ms;
    };
  const run = (factor: number, learned: Simulated["session"]) =>
    simulateRun({
      nodes: nodesOf(of),
      slots: of.slots,
      durationOf: duration(factor),
      learned: learnedOf(learned),
      overheadMs: 5,
    });
  const first = run(1, undefined);
  expect(first.samples.every((sample) => sample.remainingMs === undefined)).toBe(true);
  return { ...run(drift, first.session), longestMs };
}

const errorOf = ({ totalMs }: Simulated, { at, remainingMs: said = 0 }: Sample) => {
  const left = totalMs - at;
  return { left, error: Math.abs(said - left), part: at / totalMs };
};

test("property: a run like the earlier one knows its end from the first moment on, and is honest at the end", () => {
  fc.assert(
    fc.property(shape, (of) => {
      const run = secondRun(of, 1);
      for (const sample of run.samples) {
        const { left, error, part } = errorOf(run, sample);
        expect(error).toBeLessThan(0.25 * left + 0.1 * run.totalMs + 0.6 * run.longestMs + 500);
        if (part > 0.8) expect(error).toBeLessThan(0.3 * left + 0.6 * run.longestMs);
      }
    }),
    { numRuns: 60 },
  );
});

test("property: where all takes longer or shorter than before, what is seen wins before the end", () => {
  fc.assert(
    fc.property(shape, fc.constantFrom(0.4, 2.5), (of, drift) => {
      // A task that runs once says nothing of itself before it ends.
      const run = secondRun({ ...of, head: false, tail: false }, drift);
      for (const sample of run.samples) {
        const { left, error, part } = errorOf(run, sample);
        if (part > 0.8) expect(error).toBeLessThan(0.35 * left + 1.2 * run.longestMs);
      }
    }),
    { numRuns: 60 },
  );
});

test("property: where no task is overdue, what is shown does not jump up between two ends; it is never 0", () => {
  fc.assert(
    fc.property(shape, fc.constantFrom(0.4, 1), (of, drift) => {
      const { samples, totalMs } = secondRun({ ...of, spread: 0 }, drift);
      const eta = new EtaEstimator();
      let before: { readonly shown: number; readonly sample: Sample } | undefined;
      for (const sample of samples) {
        const { at: now, remainingMs: learned, ended } = sample;
        const tasks = { finished: ended, work: ended, total: samples.length };
        const shown = eta.next({ now, ...tasks, learned: () => learned }).remainingMs ?? 0;
        expect(shown).toBeGreaterThan(0);
        if (before?.sample.ended === ended) {
          const passed = now - before.sample.at;
          expect(shown - before.shown).toBeLessThanOrEqual(passed + 0.05 * totalMs);
        }
        before = { shown, sample };
      }
    }),
    { numRuns: 60 },
  );
});

test("skewed durations: of a few tasks that take a hundred times as long, the end is known", () => {
  const skewed = definition("skewed");
  const plan = () => ({
    nodes: Array.from({ length: 200 }, (_, i) => new TaskNode(skewed, i, {})),
    slots: 4,
    durationOf: ({ id }: TaskVertex) => (id % 40 === 0 ? 60_000 + 100 * id : 600),
  });
  const first = simulateRun({ ...plan(), learned: undefined });
  const run = simulateRun({ ...plan(), learned: learnedOf(first.session) });
  // The last task has begun: from then on, nothing but its time is to be known.
  const last = run.samples.filter(({ at }) => run.totalMs - at < 60_000);
  expect(last.length).toBeGreaterThan(100);
  for (const sample of last) expect(errorOf(run, sample).error).toBeLessThan(12_000);
  const end = run.samples.filter(({ at }) => run.totalMs - at <= 1_000);
  expect(end.length).toBeGreaterThan(0);
  for (const { remainingMs: said = 0 } of end) expect(said).toBeLessThan(4_000);
});
