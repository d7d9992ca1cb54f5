// On which machines the tasks of a run with an engine ran.

import type { RunId } from "../../protocol/ids.ts";
import type { Queries } from "../queries.ts";
import { threadsEngine } from "../../protocol/run-request.ts";
import { hasColumn } from "./has-column.ts";

const hasMachineTable = (db: Queries): boolean => hasColumn(db, "pipeloom_machines", "name");

/** For a `SELECT` of rows: the name of their machine, or NULL. @param table their table, or its alias */
export const machineColumn = (db: Queries, table: string): string =>
  hasMachineTable(db)
    ? `(SELECT m.name FROM pipeloom_machines AS m WHERE m.run_id = ${table}.run_id AND m.id = ${table}.machine) AS machine_name`
    : "NULL AS machine_name";

/** Some task of the run has run on another machine. */
export const hasMachines = (db: Queries, run: RunId): boolean =>
  hasMachineTable(db) &&
  db.query("SELECT 1 FROM pipeloom_machines WHERE run_id = ? LIMIT 1", [run]).length > 0;

/** Its tasks run on machines with the tags that they ask for. */
export const isOnEngine = (db: Queries, run: RunId): boolean =>
  hasColumn(db, "pipeline_runs", "engine") &&
  db.query("SELECT 1 FROM pipeline_runs WHERE id = ? AND engine <> ?", [run, threadsEngine])
    .length > 0;

/** For a `SELECT` of rows: `needs` of a task that waits in a run with an engine, or NULL. */
export const waitingColumn = (db: Queries, table: string): string =>
  hasColumn(db, "pipeline_runs", "engine")
    ? `CASE ${table}.status WHEN 'queued' THEN (SELECT ${table}.needs FROM pipeline_runs AS r WHERE r.id = ${table}.run_id AND r.engine <> '${threadsEngine}') END AS waits_for`
    : "NULL AS waits_for";

/** By their numbers. */
export const machinesOf = (db: Queries, run: RunId): ReadonlyMap<number, string> =>
  new Map(
    hasMachineTable(db)
      ? db
          .query("SELECT id, name FROM pipeloom_machines WHERE run_id = ?", [run])
          .map(({ id, name }) => [Number(id), String(name)])
      : [],
  );

/**
 * The machine of the attempt that wrote a line of a log, or NULL. An attempt that was interrupted and the one after it may have the
 * same number, so the time decides. With the run, the task, the attempt and the time as `?1` to `?4`.
 */
const machineOfLine = `SELECT m.name FROM (
    SELECT machine, started_at FROM task_runs
      WHERE run_id = ?1 AND id = ?2 AND attempt = ?3 AND started_at <= ?4
    UNION ALL
    SELECT machine, started_at FROM task_attempts
      WHERE run_id = ?1 AND task_id = ?2 AND attempt = ?3 AND started_at <= ?4
    ORDER BY started_at DESC LIMIT 1
  ) AS a JOIN pipeloom_machines AS m ON m.run_id = ?1 AND m.id = a.machine`;

export function machineOfAttempt(
  db: Queries,
  run: RunId,
  { task, attempt, at }: { readonly task: number; readonly attempt: number; readonly at: string },
): string | null {
  const [row] = db.query(machineOfLine, [run, task, attempt, at]);
  return row === undefined ? null : String(row["name"]);
}
