// The statement that writes task rows. It replaces the row of an earlier session or attempt.

import { passesOnSql, ranDownstream } from "../decide-reruns.ts";

const localColumns =
  "run_id, id, name, key, status, progress, message, attempt, started_at, finished_at, result, error, rows, cpu_ms, waited_ms, input, label, needs, worker, position";
/** What is not simply replaced. */
const updates: { readonly [column: string]: string } = {
  // A task that has begun in an earlier session stays one that has begun: see `reviveRun`.
  started_at: "coalesce(excluded.started_at, started_at)",
  // Each change has the rows since the one before. A task that is to run from its beginning begins to count again.
  rows: `CASE WHEN coalesce(fingerprint, '${ranDownstream}') = '${ranDownstream}' THEN rows ELSE 0 END + excluded.rows`,
  waited_ms: "coalesce(excluded.waited_ms, waited_ms)",
  input: "coalesce(excluded.input, input)",
  label: "coalesce(excluded.label, label)",
  needs: "coalesce(excluded.needs, needs)",
  // A short end says no worker: where the attempt's start is in the file already, its worker is too.
  worker:
    "CASE WHEN excluded.worker IS NULL AND excluded.started_at = started_at THEN worker ELSE excluded.worker END",
};
/** The row's earlier code, if it had any, is that of an attempt that this one replaces. What depends on it may still follow. */
const updatesOf = (columns: string, machine: string): string =>
  columns
    .split(", ")
    .slice(2)
    .map((column) => `${column} = ${updates[column] ?? `excluded.${column}`}`)
    .concat(`machine = ${machine}`)
    .concat(`fingerprint = CASE WHEN ${passesOnSql} THEN '${ranDownstream}' END`)
    .join(", ");

const insertOf =
  (columns: string, update: string) =>
  (values: string): string =>
    `INSERT INTO task_runs (${columns}) VALUES ${values} ON CONFLICT (run_id, id) DO UPDATE SET ${update}`;

/** @param values of one row or more, in the order of the columns; those of a run with an engine end with the machine */
const localRowsSql = insertOf(localColumns, updatesOf(localColumns, "NULL"));
const engineRowsSql = insertOf(
  `${localColumns}, machine`,
  updatesOf(localColumns, "excluded.machine"),
);

/** A local run names no machine in its rows: each value of a row costs time. */
export const taskRowsSql = (hasMachines: boolean): ((values: string) => string) =>
  hasMachines ? engineRowsSql : localRowsSql;

export const logRowsSql = (values: string): string =>
  `INSERT INTO task_logs (run_id, task_id, attempt, at, level, line) VALUES ${values}`;
