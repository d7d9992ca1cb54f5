// The pipelines of a database, each with its last runs.

import type { Reader, Row } from "./reader.ts";

/** Pipelines that are listed. */
const maxPipelines = 200;

type PipelineRow = {
  readonly name: string;
  /** How many the file has. */
  readonly runs: number;
  /** Newest first. */
  readonly recent: readonly Row[];
};

/**
 * The one that ran last comes first. To be called in a snapshot.
 * @param most runs of each
 */
export function pipelineRows(reader: Reader, most: number): readonly PipelineRow[] {
  const names = reader.query(
    "SELECT pipeline, COUNT(*) AS runs FROM pipeline_runs GROUP BY pipeline ORDER BY MAX(id) DESC LIMIT ?",
    [maxPipelines],
  );
  const found = new Map(
    names.map((row) => [
      row["pipeline"],
      { name: String(row["pipeline"]), runs: Number(row["runs"]), recent: new Array<Row>() },
    ]),
  );
  let missing = found.values().reduce((sum, { runs }) => sum + Math.min(runs, most), 0);
  // Names have no index: the newest rows are read until each pipeline has its runs.
  const { rows } = reader.iterate(
    "SELECT id, pipeline, status, started_at, finished_at FROM pipeline_runs ORDER BY id DESC",
  );
  for (const row of rows) {
    if (missing === 0) break;
    const pipeline = found.get(row["pipeline"]);
    if (pipeline === undefined || pipeline.recent.length === most) continue;
    pipeline.recent.push(row);
    missing--;
  }
  return [...found.values()];
}
