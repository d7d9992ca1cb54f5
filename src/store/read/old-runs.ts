// The runs that a prune deletes.

import type { RunId } from "../../protocol/ids.ts";
import { hasColumn } from "./has-column.ts";
import type { Reader } from "./reader.ts";
import { storedRunId } from "./stored-values.ts";

export type OldRunsSource = Pick<Reader, "query" | "path">;

/** A run is old if one of the first two says so. */
export type PruneRule = {
  /** The runs of each pipeline that ended last are not old. A run that was continued has a low id, and may be one of them. */
  readonly keepRuns: number | undefined;
  /** Runs that ended before are old. ISO 8601 UTC. */
  readonly endedBefore: string | undefined;
  /** Only runs of this pipeline. */
  readonly pipeline: string | undefined;
};

export type OldRun = {
  readonly id: RunId;
  readonly pipeline: string;
  readonly status: string;
  readonly startedAt: string;
};

/**
 * The runs that are old, oldest first. Never the last run of the database, whose id must not be used again; nor a
 * running run, nor an interrupted one: the next `run` continues it. Nor the run of a pipeline's last slot: it says that the slot
 * has run.
 * @param reader of a database that has pipeloom's tables
 */
export function oldRuns(
  reader: OldRunsSource,
  { keepRuns, endedBefore, pipeline }: PruneRule,
): OldRun[] {
  const has = hasColumn(reader, "pipeline_runs", "scheduled_for");
  // A slot after now has run because the clock was set back, or because a person wanted it.
  const lastSlot = has
    ? "MAX(CASE WHEN scheduled_for <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') THEN scheduled_for END) OVER (PARTITION BY pipeline)"
    : "NULL";
  const isLastSlot = has ? "scheduled_for IS lastSlot AND lastSlot IS NOT NULL" : "0";
  // 9e15 is more runs than there are, and "" is before every time: without a limit, no run is old because of it.
  return reader
    .query(
      `SELECT id, pipeline, status, started_at FROM (
          SELECT *, ROW_NUMBER() OVER (
            PARTITION BY pipeline ORDER BY coalesce(finished_at, started_at) DESC, id DESC
          ) AS nth, ${lastSlot} AS lastSlot
          FROM pipeline_runs
        )
        WHERE status <> 'running' AND id < (SELECT MAX(id) FROM pipeline_runs)
          AND NOT (${isLastSlot})
          AND (nth > ? OR coalesce(finished_at, started_at) < ?)
          AND (? IS NULL OR pipeline = ?)
        ORDER BY id`,
      [keepRuns ?? 9e15, endedBefore ?? "", pipeline ?? null, pipeline ?? null],
    )
    .map((row) => ({
      id: storedRunId(row["id"], reader),
      pipeline: String(row["pipeline"]),
      status: String(row["status"]),
      startedAt: String(row["started_at"]),
    }));
}
