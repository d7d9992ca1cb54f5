// The numbers of a run's tasks, page by page in the order of their ids: for an index in memory.

import type { RunId } from "../../protocol/ids.ts";
import { taskStatuses } from "../../protocol/status.ts";
import { definitionSql } from "../definition-of-key.ts";
import { ofRunWith } from "../own-tables.ts";
import type { Reader, Value } from "./reader.ts";

/** Null: not known. Times are epoch ms. */
export type TaskNumbers = {
  /** The id. Of a row that a user has edited it may be a fraction. */
  readonly task: number;
  /** Position in `taskStatuses`. Null: none of them, a user has edited the row. */
  readonly status: number | null;
  /** For `definitionIn`. */
  readonly definition: Value;
  /** Of the last attempt. */
  readonly started: number | null;
  readonly ended: number | null;
  readonly attempt: number;
  readonly worker: number | null;
  /** `pipeloom_machines.id` */
  readonly machine: number | null;
  readonly rows: number | null;
  readonly cpu: number | null;
  readonly waited: number | null;
  /** 1: it has ended, and may run again in the same session. */
  readonly again: number;
};

/** Ids, both included. */
export type IdRange = readonly [from: number, to: number];

const statusSql = `CASE status ${taskStatuses
  .map((status, position) => `WHEN '${status}' THEN ${position}.0`)
  .join(" ")} END`;

const timeSql = (column: string): string => `round((julianday(${column}) - 2440587.5) * 86400000)`;

/** Later versions have added these columns. What stands for one that is not there: NULL. */
const laterColumns = [
  ["worker", "CAST(worker AS REAL)", "worker"],
  ["machine", "CAST(machine AS REAL)", "machine"],
  ["rows", "CAST(rows AS REAL)", "rows"],
  ["cpu_ms", "CAST(cpu_ms AS REAL)", "cpu"],
  ["waited_ms", "CAST(waited_ms AS REAL)", "waited"],
  ["fingerprint", "iif(fingerprint IS NULL, 0.0, 1.0)", "again"],
] as const;

/** Those whose file has all columns: they do not go away. */
const selects = new WeakMap<Reader, string>();

/** Numbers as REAL: the reader makes a bigint of each INTEGER first, which takes as long as all the rest. */
function selectOf(reader: Reader): string {
  const known = selects.get(reader);
  if (known !== undefined) return known;
  const found = new Set(
    reader.query("SELECT name FROM pragma_table_info('task_runs')").map(({ name }) => name),
  );
  const later = laterColumns.map(
    ([column, sql, name]) => `${found.has(column) ? sql : "NULL"} AS ${name}`,
  );
  const sql = `SELECT CAST(id AS REAL) AS task, ${statusSql} AS status, ${definitionSql} AS definition,
      ${timeSql("started_at")} AS started, ${timeSql("finished_at")} AS ended, CAST(attempt AS REAL) AS attempt,
      ${later.join(", ")}
    FROM task_runs WHERE run_id = ?1 AND id BETWEEN ?2 AND ?3 ORDER BY run_id, id LIMIT ?4`;
  if (laterColumns.every(([column]) => found.has(column))) selects.set(reader, sql);
  return sql;
}

/** The first `most` rows of the range. */
export const scanTasks = (
  reader: Reader,
  run: RunId,
  [from, to]: IdRange,
  most: number,
): readonly TaskNumbers[] =>
  // The types are those of the CASTs.
  reader.queryRaw(selectOf(reader), [run, from, to, most]) as readonly unknown[] as TaskNumbers[];

/** The first `most` tasks that are running. */
export const runningIds = (reader: Reader, run: RunId, most: number): readonly number[] =>
  reader
    .query(
      `SELECT CAST(id AS REAL) AS task FROM task_runs WHERE ${ofRunWith("?1", "running")} ORDER BY run_id, id LIMIT ?2`,
      [run, most],
    )
    .map(({ task }) => Number(task));
