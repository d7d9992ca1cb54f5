// How many tasks of each run have each status.

import { JSON } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import { type TaskStatus, taskStatuses } from "../../protocol/status.ts";
import type { Queries } from "../queries.ts";
import type { Reader, Row, Value } from "./reader.ts";
import { number, storedRunId } from "./stored-values.ts";

export type SeenStatus = TaskStatus | "interrupted";
export type Counts = { readonly [status in SeenStatus]: number };

export const noTasks: Counts = {
  queued: 0,
  running: 0,
  interrupted: 0,
  done: 0,
  error: 0,
  cancelled: 0,
  skipped: 0,
};

/** One pass in key order. Grouping by status would sort all rows: three times as long for a million. */
const countColumns = taskStatuses
  .map((status) => `COUNT(*) FILTER (WHERE status = '${status}') AS "${status}"`)
  .join(", ");

/** @param runs all where it is undefined */
export function countByRun(
  reader: Reader,
  runs: readonly RunId[] | undefined,
  dead: ReadonlySet<number>,
): ReadonlyMap<number, Counts> {
  const counts = new Map<number, Counts>();
  const open: number[] = [];
  // `*`, because a file of an earlier version has no counts.
  const rows = reader.query(`SELECT * FROM pipeline_runs ${amongst("id", runs)}`, runs ?? []);
  for (const row of rows) {
    const id = storedRunId(row["id"], reader);
    const stored = storedCounts(row["counts"]);
    if (stored === undefined) open.push(id);
    else counts.set(id, withInterrupted(stored, dead.has(id)));
  }
  for (const [id, counted] of countTasks(reader, open))
    counts.set(id, withInterrupted(counted, dead.has(id)));
  return counts;
}

/** Undefined where the tasks of the run would have to be counted. */
export function storedTotal(db: Queries, run: RunId): number | undefined {
  const [row] = db.query("SELECT * FROM pipeline_runs WHERE id = ?", [run]);
  const counts = storedCounts(row?.["counts"]);
  return counts === undefined ? undefined : totalOf(counts);
}

const amongst = (column: string, values: readonly unknown[] | undefined): string =>
  values === undefined ? "" : `WHERE ${column} IN (${values.map(() => "?").join(", ")})`;

/** The run has written its counts with each commit. */
function storedCounts(value: Value | undefined): Counts | undefined {
  if (typeof value !== "string") return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed !== "object" || parsed === null) return undefined;
    const counts = { ...noTasks };
    for (const status of taskStatuses) {
      const count: unknown = Reflect.get(parsed, status);
      if (typeof count !== "number") return undefined;
      counts[status] = count;
    }
    return counts;
  } catch {
    return undefined;
  }
}

function countTasks(reader: Reader, runs: readonly number[]): Map<number, Counts> {
  if (runs.length === 0) return new Map();
  const rows = reader.query(
    `SELECT run_id, ${countColumns} FROM task_runs ${amongst("run_id", runs)} GROUP BY run_id`,
    runs,
  );
  return new Map(rows.map((row) => [storedRunId(row["run_id"], reader), countsOf(row)]));
}

function countsOf(row: Row): Counts {
  const counts = { ...noTasks };
  for (const status of taskStatuses) counts[status] = number(row[status]) ?? 0;
  return counts;
}

/** The running tasks of a dead run were interrupted. */
const withInterrupted = (counts: Counts, isDead: boolean): Counts =>
  isDead ? { ...counts, running: 0, interrupted: counts.running } : counts;

export function sum(all: readonly Counts[]): Counts {
  const total = { ...noTasks };
  for (const counts of all) {
    for (const status of [...taskStatuses, "interrupted"] as const) total[status] += counts[status];
  }
  return total;
}

export const totalOf = (counts: Counts = noTasks): number =>
  [...taskStatuses, "interrupted" as const].reduce((total, status) => total + counts[status], 0);
