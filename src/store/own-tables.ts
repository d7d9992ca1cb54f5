// The names of pipeloom's own tables.

import { foldCase } from "../base/fold-case.ts";

/** Every name that any version of pipeloom uses in a database. */
export const ownTables = [
  "pipeloom_schema",
  "pipeloom_definitions",
  "pipeloom_durations",
  "pipeline_runs",
  "task_runs",
  "task_logs",
  "task_attempts",
  "pipeloom_reusable",
  "pipeloom_tables",
  "pipeloom_sources",
  "pipeloom_state",
  "pipeloom_schedules",
  "pipeloom_machines",
] as const;

export type OwnTable = (typeof ownTables)[number];

const names: readonly string[] = ownTables;

/** Without regard to case, as SQLite compares names. */
export const isOwnTable = (table: string): boolean => names.includes(foldCase(table));

/**
 * The condition for a run's tasks in a statement that reads all of them. An upper bound of the key would make SQLite read each
 * row to the end, for a comparison with the key: 2 GB of long results. The `+` keeps the condition from becoming one.
 * @param run a numbered parameter
 */
export const ofRun = (run: string): string => `run_id >= ${run} AND +run_id = ${run}`;

/**
 * The ids of a run's tasks of a status that has a partial index, as a query over that index. With `run_id = ?` SQLite may read all
 * tasks of the run: of both indexes it knows only how many entries a run has on average (ANALYZE), and after a short analysis that
 * can be less of all tasks than of the failed ones. For a range it compares their sizes.
 * @param run a numbered parameter
 */
export const idsWith = (run: string, status: "error" | "running"): string =>
  `SELECT id FROM task_runs WHERE run_id BETWEEN ${run} AND ${run} AND status = '${status}'`;

/**
 * The condition for a run's tasks of a status that has a partial index: only the rows of these tasks are read.
 * @param run a numbered parameter
 */
export const ofRunWith = (run: string, status: "error" | "running"): string =>
  `run_id = ${run} AND id IN (${idsWith(run, status)})`;
