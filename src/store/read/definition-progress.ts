// How far the definitions of a run have come, for an estimate of its end.

import { Date } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import { definitionIn, definitionSql } from "../definition-of-key.ts";
import { ofRun, ofRunWith } from "../own-tables.ts";
import type { Queries } from "../queries.ts";

export type DefinitionProgress = {
  readonly task: string;
  /** Tasks that have a row and have not ended. */
  readonly left: number;
  /** Tasks that have begun since, and ended. */
  readonly ran: number;
  /** All that have ended. */
  readonly ended: number;
  /** Those that are done, and how long they took. */
  readonly done: number;
  readonly doneMs: number;
};

type RunningRow = {
  readonly task: string;
  /** Epoch ms. */
  readonly startedAt: number;
  /** 0..1 */
  readonly progress: number;
};

const maxRunning = 1_000;
const msSql = "(julianday(finished_at) - julianday(started_at)) * 86400000";

/** In the order of their first tasks. Reads every task of the run. @param since ISO 8601 */
export const definitionProgress = (
  db: Queries,
  run: RunId,
  since: string,
): readonly DefinitionProgress[] =>
  db
    .query(
      `SELECT ${definitionSql} AS task, MIN(id) AS first, SUM(status IN ('queued', 'running')) AS "left",
        SUM(status NOT IN ('queued', 'running') AND started_at >= ?2) AS ran,
        SUM(status NOT IN ('queued', 'running')) AS ended,
        SUM(status = 'done' AND started_at IS NOT NULL) AS done,
        SUM(CASE WHEN status = 'done' THEN ${msSql} END) AS ms
        FROM task_runs WHERE ${ofRun("?1")} GROUP BY 1 ORDER BY first`,
      [run, since],
    )
    .map((row) => ({
      task: definitionIn(row["task"]),
      left: Number(row["left"]),
      ran: Number(row["ran"]),
      ended: Number(row["ended"]),
      done: Number(row["done"]),
      doneMs: Number(row["ms"] ?? 0),
    }));

export const runningRows = (db: Queries, run: RunId): readonly RunningRow[] =>
  db
    .query(
      `SELECT ${definitionSql} AS task, started_at, progress FROM task_runs
        WHERE ${ofRunWith("?1", "running")} ORDER BY run_id, id LIMIT ?2`,
      [run, maxRunning],
    )
    .map((row) => ({
      task: definitionIn(row["task"]),
      startedAt: Date.parse(String(row["started_at"])),
      progress: Number(row["progress"]),
    }));
