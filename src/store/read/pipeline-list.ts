// The pipelines of a database, each with its last runs.

import type { Reader, Row } from "./reader.ts";

type PipelineRow = {
  readonly name: string;
  /** How many the file has. */
  readonly runs: number;
  /** Newest first. */
  readonly recent: readonly Row[];
};

type Wanted = {
  /** Pipelines before the first one that is wanted. */
  readonly offset: number;
  readonly most: number;
  /** Of each. */
  readonly mostRuns: number;
};

/** The one that ran last comes first; `total`: pipelines of the file. To be called in a snapshot. */
export function pipelineRows(
  reader: Reader,
  { offset, most, mostRuns }: Wanted,
): { readonly rows: readonly PipelineRow[]; readonly total: number } {
  const names = reader.query(
    "SELECT pipeline, COUNT(*) AS runs FROM pipeline_runs GROUP BY pipeline ORDER BY MAX(id) DESC",
  );
  const found = new Map(
    names
      .slice(offset, offset + most)
      .map((row) => [
        row["pipeline"],
        { name: String(row["pipeline"]), runs: Number(row["runs"]), recent: new Array<Row>() },
      ]),
  );
  let missing = found.values().reduce((sum, { runs }) => sum + Math.min(runs, mostRuns), 0);
  // Names have no index: the newest rows are read until each pipeline has its runs.
  const { rows: newest } = reader.iterate(
    "SELECT id, pipeline, status, started_at, finished_at FROM pipeline_runs ORDER BY id DESC",
  );
  for (const row of newest) {
    if (missing === 0) break;
    const pipeline = found.get(row["pipeline"]);
    if (pipeline === undefined || pipeline.recent.length === mostRuns) continue;
    pipeline.recent.push(row);
    missing--;
  }
  return { rows: [...found.values()], total: names.length };
}
