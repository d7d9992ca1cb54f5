// Attempts of tasks before their last one.

import type { Failure } from "../../base/failure.ts";
import { JSON } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import { machineColumn } from "./machine-names.ts";
import type { Reader, Row } from "./reader.ts";
import { failure, number, text } from "./stored-values.ts";

export type SeenAttempt = {
  readonly attempt: number;
  /** Number of the worker thread; null where it is not known. */
  readonly worker: number | null;
  /** The machine that it ran on; null where it is the run's own, or not known. */
  readonly machine: string | null;
  /** Times are ISO 8601 UTC, as in the file; null where they are not known. */
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** `error`, `interrupted`, `cancelled`, `done`. */
  readonly outcome: string;
  readonly error: Failure | null;
};

/** Of one task; a task may have thousands. */
const maxAttempts = 20;

/** The last ones of each task, oldest first. Tasks without any are not in it. */
export function earlierAttempts(
  reader: Reader,
  run: RunId,
  tasks: readonly number[],
): ReadonlyMap<number, readonly SeenAttempt[]> {
  const found = new Map<number, SeenAttempt[]>();
  if (tasks.length === 0 || !hasAttempts(reader)) return found;
  const rows = reader.query(
    `SELECT * FROM (
        SELECT *, ${machineColumn(reader, "task_attempts")}, coalesce(started_at, finished_at) AS began, rowid AS place,
          row_number() OVER (PARTITION BY task_id ORDER BY coalesce(started_at, finished_at) DESC, rowid DESC) AS back
          FROM task_attempts WHERE run_id = ? AND task_id IN (SELECT value FROM json_each(?)))
      WHERE back <= ${maxAttempts} ORDER BY began, place`,
    [run, JSON.stringify(tasks)],
  );
  for (const row of rows) {
    const id = number(row["task_id"]) ?? 0;
    const attempts = found.get(id);
    if (attempts === undefined) found.set(id, [seenAttempt(row)]);
    else attempts.push(seenAttempt(row));
  }
  return found;
}

/** Files of earlier versions have no such table, and users may drop it. */
const hasAttempts = (reader: Reader): boolean =>
  reader.query("SELECT 1 FROM sqlite_schema WHERE name = 'task_attempts' AND type = 'table'")
    .length > 0;

const seenAttempt = (row: Row): SeenAttempt => ({
  attempt: number(row["attempt"]) ?? 0,
  worker: number(row["worker"]),
  machine: text(row["machine_name"]),
  startedAt: text(row["started_at"]),
  finishedAt: text(row["finished_at"]),
  outcome: String(row["outcome"]),
  error: failure(row["error"]),
});
