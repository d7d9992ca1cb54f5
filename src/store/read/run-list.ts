// The runs of a database, newest first, and how long the last runs of each pipeline took: for `runs`.

import { Date } from "../../base/globals.ts";
import { checkTables } from "./check-tables.ts";
import { runRows, type SeenRun, seenRun } from "./overview.ts";
import { storedRunId } from "./stored-values.ts";
import { countByRun } from "./task-counts.ts";
import type { Reader } from "./reader.ts";
import { ReaderError } from "./reader-error.ts";
import { type IsAlive, runningRuns } from "./running-runs.ts";

/** Done runs whose durations are shown. */
const maxDurations = 20;

export type RunList = {
  /** Newest first. */
  readonly runs: readonly SeenRun[];
  /** By pipeline, in the order of `runs`: how long its last 20 done runs took, in ms, oldest first. */
  readonly durations: ReadonlyMap<string, readonly number[]>;
};

type Question = {
  readonly maxRuns: number;
  /** Only runs of this pipeline. */
  readonly pipeline: string | undefined;
  /** Whether a run is alive whose row says `running`; see store/liveness.ts. */
  readonly isAlive: IsAlive;
};

/** @throws ReaderError `no-tables`, `newer-version` or `no-such-pipeline` */
export function runList(reader: Reader, { maxRuns, pipeline, isAlive }: Question): RunList {
  checkTables(reader);
  // Before the rows: see `overview`.
  const { dead } = runningRuns(reader, isAlive);
  return reader.snapshot(() => {
    const rows =
      pipeline === undefined
        ? runRows(reader, maxRuns)
        : runRows(reader, maxRuns, "pipeline = ?", pipeline);
    if (rows.length === 0 && pipeline !== undefined && maxRuns > 0) {
      assertHasPipeline(reader, pipeline);
    }
    const ids = rows.map((row) => storedRunId(row["id"], reader));
    const counts = countByRun(reader, ids, dead);
    const runs = rows.map((row) => seenRun(row, reader, dead, counts));
    const pipelines = new Set(runs.map((run) => run.pipeline));
    return {
      runs,
      durations: new Map([...pipelines].map((name) => [name, durationsOf(reader, name)])),
    };
  });
}

/** @throws ReaderError if there are runs, and none of this pipeline */
export function assertHasPipeline(reader: Reader, pipeline: string): void {
  const found = reader.query("SELECT 1 FROM pipeline_runs WHERE pipeline = ? LIMIT 1", [pipeline]);
  if (found.length > 0) return;
  const known = reader
    .query("SELECT pipeline FROM pipeline_runs GROUP BY pipeline ORDER BY MAX(id) DESC LIMIT 10")
    .map((row) => String(row["pipeline"]));
  if (known.length === 0) return;
  throw new ReaderError(
    "no-such-pipeline",
    `${reader.path} has no runs of a pipeline "${pipeline}"; it has runs of ${known.join(", ")}`,
  );
}

function durationsOf(reader: Reader, pipeline: string): number[] {
  return reader
    .query(
      `SELECT started_at, finished_at FROM pipeline_runs
        WHERE pipeline = ? AND status = 'done' ORDER BY id DESC LIMIT ?`,
      [pipeline, maxDurations],
    )
    .map((row) => Date.parse(String(row["finished_at"])) - Date.parse(String(row["started_at"])))
    .filter((ms) => ms >= 0)
    .toReversed();
}
