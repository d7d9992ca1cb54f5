// What `serve` knows, as metrics. Counters begin with serve: a database that is pruned would take some of them back.

import { basename } from "node:path";

import type { Served, ServedPipeline } from "../../serve/served.ts";
import { delayBounds, durationBounds } from "../../serve/slot-counters.ts";
import { version } from "../../version.ts";
import {
  exposition,
  type Family,
  histogramSamples,
  type Labels,
  type Sample,
} from "./exposition.ts";

/** With more, the text has megabytes, and a server of metrics has too many series. */
const maxPipelines = 2_000;

/** The text in pieces. */
export function metricsOf({ startedAt, health, pipelines }: Served): Generator<string> {
  const shown = pipelines.slice(0, maxPipelines);
  return exposition([
    gauge("pipeloom_build_info", "The version of pipeloom.", [{ labels: { version }, value: 1 }]),
    gauge("pipeloom_serve_start_time_seconds", "When serve began.", [
      { labels: {}, value: startedAt / 1000 },
    ]),
    gauge("pipeloom_serve_healthy", "1: the scheduler looks at the clock. 0: it does not.", [
      { labels: {}, value: Number(health === "healthy") },
    ]),
    gauge("pipeloom_pipelines", "Pipelines that are served.", [
      { labels: {}, value: pipelines.length },
    ]),
    gauge(
      "pipeloom_pipelines_without_metrics",
      `Pipelines beyond the first ${maxPipelines}, which have no metrics of their own.`,
      [{ labels: {}, value: pipelines.length - shown.length }],
    ),
    ...ofRuns(shown),
    ...ofSlots(shown),
    ...ofSchedules(shown),
  ]);
}

const gauge = (name: string, help: string, samples: Iterable<Sample>): Family => ({
  name,
  type: "gauge",
  help,
  samples,
});

const counter = (name: string, help: string, samples: Iterable<Sample>): Family => ({
  name,
  type: "counter",
  help,
  samples,
});

/**
 * Two files may have pipelines of one name. One that could not be loaded yet has that of its file: a label that is empty is none, and a sum
 * by it would leave the pipeline out.
 */
const labelsOf = ({ name, file, argument }: ServedPipeline): Labels => ({
  pipeline: name ?? basename(file),
  file: argument,
});

type Pipelines = readonly ServedPipeline[];

function* each(
  pipelines: Pipelines,
  valueOf: (pipeline: ServedPipeline) => number,
): Generator<Sample> {
  for (const pipeline of pipelines) yield { labels: labelsOf(pipeline), value: valueOf(pipeline) };
}

/** @param valueOf null: not known, so there is no sample */
function* whereKnown(
  pipelines: Pipelines,
  valueOf: (pipeline: ServedPipeline) => number | null,
): Generator<Sample> {
  for (const pipeline of pipelines) {
    const value = valueOf(pipeline);
    if (value !== null) yield { labels: labelsOf(pipeline), value };
  }
}

function* byStatus(pipelines: Pipelines): Generator<Sample> {
  for (const pipeline of pipelines) {
    for (const [status, value] of Object.entries(pipeline.counts.runs)) {
      yield { labels: { ...labelsOf(pipeline), status }, value };
    }
  }
}

const inSeconds = (ms: number | null | undefined): number | null =>
  ms === null || ms === undefined ? null : ms / 1000;

const ofRuns = (pipelines: Pipelines): Family[] => [
  counter(
    "pipeloom_runs_total",
    "Runs of slots that have ended since serve began, by how they ended.",
    byStatus(pipelines),
  ),
  {
    name: "pipeloom_run_duration_seconds",
    type: "histogram",
    help: "How long the runs of slots took.",
    samples: observed(pipelines, "durations", durationBounds),
  },
  gauge(
    "pipeloom_runs_running",
    "Runs of slots that go on.",
    each(pipelines, ({ running }) => running.length),
  ),
  gauge(
    "pipeloom_last_success_timestamp_seconds",
    "When a run of a slot was done last.",
    whereKnown(pipelines, ({ counts }) => inSeconds(counts.lastSuccess)),
  ),
];

/** Of pipelines that have none, nothing: most of a thousand schedules run once a day. */
function* observed(
  pipelines: Pipelines,
  what: "durations" | "delays",
  bounds: readonly number[],
): Generator<Sample> {
  for (const pipeline of pipelines) {
    const { counts, sumSeconds, count } = pipeline.counts[what];
    if (count > 0) yield* histogramSamples(labelsOf(pipeline), bounds, counts, sumSeconds);
  }
}

const ofSlots = (pipelines: Pipelines): Family[] => [
  {
    name: "pipeloom_slot_delay_seconds",
    type: "histogram",
    help: "How much later than they should runs of slots were started.",
    samples: observed(pipelines, "delays", delayBounds),
  },
  counter(
    "pipeloom_slots_missed_total",
    "Slots that never run: they were missed and are not caught up.",
    each(pipelines, ({ counts }) => counts.missed),
  ),
  counter(
    "pipeloom_slots_skipped_total",
    "Slots that never run: an earlier run went on.",
    each(pipelines, ({ counts }) => counts.skipped),
  ),
  counter(
    "pipeloom_slots_late_total",
    "Slots that had not begun within startWithin.",
    each(pipelines, ({ counts }) => counts.late),
  ),
  gauge(
    "pipeloom_slots_waiting",
    "Slots that are due and have not begun.",
    each(pipelines, ({ waiting }) => Number(waiting !== null)),
  ),
];

const ofSchedules = (pipelines: Pipelines): Family[] => [
  gauge(
    "pipeloom_schedule_paused",
    "1: nothing starts until the schedule is resumed.",
    each(pipelines, ({ state }) => Number(state.kind === "paused")),
  ),
  gauge(
    "pipeloom_schedule_broken",
    "1: the file cannot be loaded, or cannot be served.",
    each(pipelines, ({ state }) => Number(state.kind === "broken" || state.kind === "refused")),
  ),
  gauge(
    "pipeloom_next_slot_timestamp_seconds",
    "When the schedule starts its pipeline next.",
    whereKnown(pipelines, ({ next }) => inSeconds(next[0]?.start)),
  ),
];
