// How long the tasks of each definition took: written once, at the end of a session, and read at the start of the next runs. So a
// start reads a few rows, however many tasks the file has.

import type { Database } from "bun:sqlite";

import { Histogram } from "../../base/histogram.ts";
import { JSON } from "../../base/globals.ts";
import type { Learned, LearnedTask, SessionDurations } from "../../protocol/learned.ts";
import type { RunStarted } from "../../protocol/events.ts";
import type { RunId } from "../../protocol/ids.ts";

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

// ── writing ──

/** Adds to what earlier sessions of the run have written. */
export function writeDurations(db: Database, run: RunId, session: SessionDurations): void {
  using before = db.prepare<{ counts: string }, [number, string]>(
    "SELECT counts FROM pipeloom_durations WHERE run_id = ? AND task = ?",
  );
  using write = db.prepare<unknown, [number, string, number, number, string]>(
    `INSERT INTO pipeloom_durations (run_id, task, tasks, total_ms, counts) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (run_id, task) DO UPDATE SET tasks = tasks + excluded.tasks,
      total_ms = total_ms + excluded.total_ms, counts = excluded.counts`,
  );
  for (const { task, tasks, totalMs, counts } of session.definitions) {
    const all = new Histogram();
    all.addCounts(counts);
    all.addCounts(storedCounts(before.get(run, task)?.counts));
    write.run(run, task, tasks, totalMs, JSON.stringify(all.counts));
  }
  db.run("UPDATE pipeline_runs SET stretch = ? WHERE id = ?", [session.stretch, run]);
}

// ── reading ──

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
  db: Database,
  { pipeline, file }: Pick<RunStarted, "pipeline" | "file">,
): Learned | undefined {
  using newest = db.prepare<RunRow, [number, string, string | null, number]>(
    `SELECT id, stretch FROM
      (SELECT id, pipeline, file, stretch FROM pipeline_runs ORDER BY id DESC LIMIT ?)
      WHERE pipeline = ? AND file IS ? LIMIT ?`,
  );
  const runs = newest.all(maxSeen, pipeline, file, maxRuns);
  using all = db.prepare<Row, [string, number]>(
    `SELECT run_id, task, tasks, total_ms, counts FROM pipeloom_durations
      WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY run_id DESC, task LIMIT ?`,
  );
  const rows = all.all(JSON.stringify(runs.map(({ id }) => id)), maxRows);
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
function storedCounts(text: unknown): readonly unknown[] {
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
