// The counters of a served pipeline: what goes into which bucket, and that no number goes back.

import { expect, test } from "bun:test";

import type { ServedPipeline, ServedSource } from "../../src/serve/served.ts";
import { delayBounds, durationBounds, SlotCounters } from "../../src/serve/slot-counters.ts";

function bucket(delayMs: number): number {
  const counters = new SlotCounters();
  counters.started(delayMs);
  return counters.counts.delays.counts.findIndex((count) => count > 0);
}

test("a delay goes into the first bucket whose bound it does not pass", () => {
  expect([0, 50, 50.1, 100, 3_600_000, 3_600_001].map(bucket)).toEqual([0, 0, 1, 1, 9, 10]);
  expect(bucket(-5_000)).toBe(0);
});

test("a run that is done is a success, and no other is", () => {
  const counters = new SlotCounters();
  counters.ended("error", 2_000, 10);
  expect(counters.counts.lastSuccess).toBeNull();
  counters.ended("done", 500, 20);
  counters.ended("not-started", 100, 30);
  const { runs, durations, lastSuccess } = counters.counts;
  expect(runs).toEqual({ done: 1, error: 1, cancelled: 0, interrupted: 0, "not-started": 1 });
  expect(lastSuccess).toBe(20);
  expect(durations).toMatchObject({ count: 3, sumSeconds: 2.6 });
  expect(durations.counts).toHaveLength(durationBounds.length + 1);
});

test("a snapshot does not change with what comes after it", () => {
  const counters = new SlotCounters();
  const before = counters.counts;
  counters.skipped();
  counters.missed(3);
  counters.late();
  counters.started(1);
  counters.ended("done", 1, 1);
  expect(before).toMatchObject({ skipped: 0, missed: 0, late: 0, lastSuccess: null });
  expect(before.delays.counts).toEqual([...delayBounds.map(() => 0), 0]);
  expect(counters.counts).toMatchObject({ skipped: 1, missed: 3, late: 1, lastSuccess: 1 });
});

test("what the page is given can be sent as JSON", () => {
  const pipeline: ServedPipeline = {
    file: "/srv/etl.ts",
    exportName: null,
    argument: "/srv/etl.ts",
    name: "etl",
    db: "/srv/pipeloom.db",
    schedule: null,
    state: { kind: "ok" },
    trouble: null,
    next: [],
    running: [],
    waiting: null,
    slots: [],
    counts: new SlotCounters().counts,
  };
  const source: ServedSource = {
    served: () => ({ at: 1, startedAt: 0, health: "healthy", pipelines: [pipeline] }),
    onChange: () => () => undefined,
  };
  expect(JSON.parse(JSON.stringify(source.served()))).toEqual(source.served());
});
