// What Prometheus reads of `serve`.

import { expect, test } from "bun:test";

import { exposition, histogramSamples } from "../../src/page/metrics/exposition.ts";
import { metricsOf } from "../../src/page/metrics/metrics.ts";
import type { ServedPipeline } from "../../src/serve/served.ts";
import { SlotCounters } from "../../src/serve/slot-counters.ts";
import { parseExposition } from "./exposition-parser.ts";
import { servedPipeline } from "./serve-rig.ts";

const about = { at: 2_000_000, startedAt: 1_000_000, health: "healthy" } as const;

const textOf = (pipelines: readonly ServedPipeline[]): string =>
  [...metricsOf({ ...about, pipelines })].join("");

test("runs, durations, delays and times, with a pipeline's name and file", () => {
  const counters = new SlotCounters();
  for (const delayMs of [20, 20, 7_200_000]) counters.started(delayMs);
  counters.ended("done", 1_500, 1_700_000);
  counters.ended("error", 90_000, 1_800_000);
  counters.missed(3);
  counters.skipped();
  const etl = servedPipeline("/srv", "etl", {
    counts: counters.counts,
    next: [{ slot: 3_000_000, start: 3_001_500 }],
    state: { kind: "paused", since: 1, by: { kind: "person" } },
  });
  const metrics = parseExposition(textOf([etl]));
  const labels = 'pipeline="etl",file="/srv/etl.ts"';
  const valueOf = (name: string, more = "", suffix = ""): number | undefined =>
    metrics.get(name)?.samples.get(`${name}${suffix}{${labels}${more}}`);
  expect(valueOf("pipeloom_runs_total", ',status="done"')).toBe(1);
  expect(valueOf("pipeloom_runs_total", ',status="error"')).toBe(1);
  expect(valueOf("pipeloom_runs_total", ',status="cancelled"')).toBe(0);
  expect(valueOf("pipeloom_run_duration_seconds", "", "_sum")).toBe(91.5);
  expect(valueOf("pipeloom_run_duration_seconds", ',le="1"', "_bucket")).toBe(0);
  expect(valueOf("pipeloom_run_duration_seconds", ',le="5"', "_bucket")).toBe(1);
  expect(valueOf("pipeloom_run_duration_seconds", ',le="300"', "_bucket")).toBe(2);
  expect(valueOf("pipeloom_slot_delay_seconds", ',le="0.05"', "_bucket")).toBe(2);
  expect(valueOf("pipeloom_slot_delay_seconds", ',le="3600"', "_bucket")).toBe(2);
  expect(valueOf("pipeloom_slot_delay_seconds", ',le="+Inf"', "_bucket")).toBe(3);
  expect(valueOf("pipeloom_slots_missed_total")).toBe(3);
  expect(valueOf("pipeloom_slots_skipped_total")).toBe(1);
  expect(valueOf("pipeloom_schedule_paused")).toBe(1);
  expect(valueOf("pipeloom_schedule_broken")).toBe(0);
  expect(valueOf("pipeloom_last_success_timestamp_seconds")).toBe(1_700);
  expect(valueOf("pipeloom_next_slot_timestamp_seconds")).toBe(3_001.5);
  expect(metrics.get("pipeloom_serve_healthy")?.samples).toEqual(
    new Map([["pipeloom_serve_healthy{}", 1]]),
  );
});

test("names are escaped; two files with a pipeline of one name, and one that never loaded, have series of their own", () => {
  const names = ['a"b', "a\\b", "a\nb", 'x",status="done"} 9\npipeloom_fake 1 #', "same", "same"];
  const pipelines = names.map((name, i) => {
    const file = `/srv/${i}.ts`;
    return servedPipeline("/srv", name, { file, argument: file, name: i === 4 ? null : name });
  });
  const text = textOf(pipelines);
  const metrics = parseExposition(text);
  expect(metrics.get("pipeloom_runs_total")?.samples.size).toBe(names.length * 5);
  expect(metrics.has("pipeloom_fake")).toBe(false);
  expect(text).not.toContain('=""');
  expect(text).toContain('pipeloom_schedule_broken{pipeline="4.ts",file="/srv/4.ts"}');
  expect(text).toContain(String.raw`{pipeline="a\"b",`);
  expect(text).toContain(String.raw`{pipeline="a\\b",`);
  expect(text).toContain(String.raw`{pipeline="a\nb",`);
});

test("so many pipelines have series, and it is said how many have not", () => {
  const pipelines = Array.from({ length: 2_003 }, (_, i) => servedPipeline("/srv", `etl ${i}`));
  const metrics = parseExposition(textOf(pipelines));
  expect(metrics.get("pipeloom_slots_missed_total")?.samples.size).toBe(2_000);
  expect([...(metrics.get("pipeloom_pipelines_without_metrics")?.samples.values() ?? [])]).toEqual([
    3,
  ]);
  // Nothing has run: no histogram.
  expect(metrics.has("pipeloom_run_duration_seconds")).toBe(false);
});

test("the parser refuses what the format does not allow", () => {
  const pieces = exposition([
    {
      name: "a_seconds",
      type: "histogram",
      help: "a\\b\nc",
      samples: histogramSamples({ x: "1" }, [0.5, 1], [1, 0, 2], 7),
    },
  ]);
  const good = [...pieces].join("");
  expect(parseExposition(good).get("a_seconds")?.samples.size).toBe(5);
  for (const [from, to] of [
    ['le="1"} 1', 'le="1"} 0'],
    ['_count{x="1"} 3', '_count{x="1"} 2'],
    ["# TYPE a_seconds histogram", "# TYPE a_seconds thing"],
    ['x="1"} 7', 'x="1} 7'],
    ['_sum{x="1"} 7', '_sum{x="1"} seven'],
    ['_sum{x="1"} 7', '_sum{x="1"} 7\na_seconds_sum{x="1"} 7'],
  ] as const) {
    expect(good).toContain(from);
    expect(() => parseExposition(good.replace(from, to))).toThrow();
  }
  expect(() => parseExposition(good.trimEnd())).toThrow();
});
