// The last slots of a pipeline's schedule that have a run.

import { hasColumn } from "./has-column.ts";
import type { Reader, Row } from "./reader.ts";

/**
 * Newest first, with `id`, `status`, `scheduled_for` and times. None in a file of an older version, whose runs have no slots.
 * To be called in a snapshot.
 */
export function slotRows(reader: Reader, pipeline: string, most: number): readonly Row[] {
  if (!hasColumn(reader, "pipeline_runs", "scheduled_for")) return [];
  return reader.query(
    `SELECT id, status, scheduled_for, started_at, finished_at FROM pipeline_runs
      WHERE pipeline = ? AND scheduled_for IS NOT NULL ORDER BY scheduled_for DESC LIMIT ?`,
    [pipeline, most],
  );
}

/** The names of the pipelines that have run for a slot. */
export function pipelinesWithSlots(reader: Reader): readonly string[] {
  if (!hasColumn(reader, "pipeline_runs", "scheduled_for")) return [];
  return reader
    .query(
      `SELECT pipeline FROM pipeline_runs WHERE scheduled_for IS NOT NULL
        GROUP BY pipeline ORDER BY MAX(scheduled_for) DESC`,
    )
    .map((row) => String(row["pipeline"]));
}
