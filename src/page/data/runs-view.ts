// The runs of the database.

import { Date, JSON } from "../../base/globals.ts";
import { checkTables } from "../../store/read/check-tables.ts";
import { type SeenRun, seenRun } from "../../store/read/overview.ts";
import type { Row } from "../../store/read/reader.ts";
import { runningRuns } from "../../store/read/running-runs.ts";
import { storedRunId } from "../../store/read/stored-values.ts";
import { countByRun } from "../../store/read/task-counts.ts";
import { type Asked, NotFound } from "../asked.ts";
import type { RunBrief, RunsView, RunView } from "../contract.ts";
import type { PageDatabase } from "../page-database.ts";

const maxRuns = 200;

/** `?pipeline=…&status=…&before=<id>&limit=…` */
export function runsView(database: PageDatabase, { search }: Asked): RunsView {
  const most = Math.min(Number(search.get("limit") ?? maxRuns) || maxRuns, maxRuns);
  const [conditions, values] = conditionsIn(search);
  const runs = runsWhere(database, conditions, values, most + 1);
  return { runs: runs.slice(0, most), hasMore: runs.length > most };
}

export function runView(database: PageDatabase, { ids }: Asked): RunView {
  const [run] = runsWhere(database, "id = ?", [ids[0] ?? 0], 1);
  if (run === undefined) throw new NotFound(`the database has no run ${ids[0]}`);
  return { run };
}

/** The runs that have changed since `known`, which holds their last state as text. Only those that run or ran then. */
export function changedRuns(database: PageDatabase, known: Map<number, string>): RunBrief[] {
  const newest = "id > (SELECT coalesce(max(id), 0) - 50 FROM pipeline_runs)";
  return runsWhere(database, `status = 'running' OR ${newest}`, [], maxRuns).filter((run) => {
    const text = JSON.stringify(run);
    if (known.get(run.id) === text) return false;
    known.set(run.id, text);
    return true;
  });
}

function conditionsIn(search: URLSearchParams): readonly [string, readonly (string | number)[]] {
  const found: (readonly [string, string | number])[] = [];
  const pipeline = search.get("pipeline");
  if (pipeline !== null) found.push(["pipeline = ?", pipeline]);
  const status = search.get("status");
  if (status !== null) found.push(["status = ?", status === "interrupted" ? "running" : status]);
  const before = Number(search.get("before") ?? "");
  if (before > 0) found.push(["id < ?", before]);
  return [["TRUE", ...found.map(([sql]) => sql)].join(" AND "), found.map(([, value]) => value)];
}

function runsWhere(
  { reader, isAlive }: PageDatabase,
  where: string,
  values: readonly (string | number)[],
  most: number,
): RunBrief[] {
  checkTables(reader);
  // Before the rows: see `overview`.
  const { dead } = runningRuns(reader, isAlive);
  return reader.snapshot(() => {
    const rows: Row[] = reader.query(
      `SELECT * FROM pipeline_runs WHERE ${where} ORDER BY id DESC LIMIT ?`,
      [...values, most],
    );
    const ids = rows.map((row) => storedRunId(row["id"], reader));
    const counts = countByRun(reader, ids, dead);
    return rows.map((row) => briefOf(seenRun(row, reader, dead, counts)));
  });
}

function briefOf(run: SeenRun): RunBrief {
  const { id, pipeline, file, params, status, counts, tasksTotal: total, error, trigger } = run;
  const times = { startedAt: timeOf(run.startedAt) ?? 0, finishedAt: timeOf(run.finishedAt) };
  return { id, pipeline, file, params, status, counts, total, ...times, error, trigger };
}

/** Null for what is no time: users can edit the table. */
const timeOf = (iso: string | null): number | null => {
  const ms = Date.parse(iso ?? "");
  return Number.isNaN(ms) ? null : ms;
};
