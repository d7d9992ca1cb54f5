// How long the tasks of each definition took in the last runs of a pipeline.

import { Histogram } from "../../base/histogram.ts";
import { JSON } from "../../base/globals.ts";
import type { RunStarted } from "../../protocol/events.ts";
import type { Learned, LearnedTask } from "../../protocol/learned.ts";
import type { Queries } from "../queries.ts";

/** Runs of the pipeline that count. */
const maxRuns = 20;
/** Of the newest so many runs of all pipelines. */
const maxSeen = 2000;
/** A pipeline with so many definitions learns from fewer runs. */
const maxRows = 2000;
/** A run weighs this much of what the next one does: data grows, and code changes. */
const aging = 0.8;
/** The stretch is the median of so many runs. */
const maxStretches = 5;

type RunRow = { readonly id: number; readonly stretch: unknown };
type Row = {
  readonly run_id: number;
  readonly task: string;
  readonly tasks: number;
  readonly total_ms: number;
  readonly counts: string;
};

/** Undefined where no run of the pipeline has left any. Earlier sessions of the run itself count. */
export function learnedDurations(
  db: Queries,
  { pipeline, file }: Pick<RunStarted, "pipeline" | "file">,
): Learned | undefined {
  const runs = db.query(
    `SELECT id, stretch FROM
      (SELECT id, pipeline, file, stretch FROM pipeline_runs ORDER BY id DESC LIMIT ?)
      WHERE pipeline = ? AND file IS ? LIMIT ?`,
    [maxSeen, pipeline, file, maxRuns],
  ) as readonly RunRow[];
  const rows = db.query(
    `SELECT run_id, task, tasks, total_ms, counts FROM pipeloom_durations
      WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY run_id DESC, task LIMIT ?`,
    [JSON.stringify(runs.map(({ id }) => id)), maxRows],
  ) as readonly Row[];
  const age = new Map(runs.map(({ id }, index) => [id, index]));
  const definitions = [...Map.groupBy(rows, ({ task }) => task)]
    .map(([task, own]) => learnedTask(task, own, age))
    .filter((learned) => learned !== undefined);
  return definitions.length === 0 ? undefined : { definitions, stretch: stretchOf(runs) };
}

/** @param age of a run: how many runs came after it */
function learnedTask(
  task: string,
  rows: readonly Row[],
  age: ReadonlyMap<number, number>,
): LearnedTask | undefined {
  const all = new Histogram();
  let [tasks, totalMs] = [0, 0];
  for (const row of rows) {
    const weight = aging ** (age.get(row.run_id) ?? 0);
    tasks += weight * row.tasks;
    totalMs += weight * row.total_ms;
    all.addCounts(storedCounts(row.counts));
  }
  if (!(tasks > 0 && totalMs >= 0)) return undefined;
  const p95Ms = all.quantile(0.95);
  const meanMs = totalMs / tasks;
  return { task, runs: rows.length, tasks: all.size, meanMs, p95Ms, counts: all.counts };
}

/** Users can edit the table. */
export function storedCounts(text: unknown): readonly unknown[] {
  try {
    const counts: unknown = JSON.parse(String(text));
    return Array.isArray(counts) ? counts : [];
  } catch {
    return [];
  }
}

function stretchOf(runs: readonly RunRow[]): number {
  const known = runs
    .flatMap(({ stretch }) => (typeof stretch === "number" && stretch > 0 ? [stretch] : []))
    .slice(0, maxStretches)
    .toSorted((a, b) => a - b);
  return known[known.length >> 1] ?? 1;
}
