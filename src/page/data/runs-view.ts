// The runs of the database.

import { Date, JSON } from "../../base/globals.ts";
import { isStoredId } from "../../protocol/ids.ts";
import { hideSecretsIn } from "../../base/secret-name.ts";
import { checkTables } from "../../store/read/check-tables.ts";
import { engineOf, type SeenRun, seenRun } from "../../store/read/overview.ts";
import { ReaderError } from "../../store/read/reader-error.ts";
import type { Reader, Row } from "../../store/read/reader.ts";
import { runningRuns } from "../../store/read/running-runs.ts";
import { storedRunId, storedRunStatus, text } from "../../store/read/stored-values.ts";
import { countByRun } from "../../store/read/task-counts.ts";
import { type Asked, NotFound } from "../asked.ts";
import type { RunBar } from "../contract-runs.ts";
import type { RunBrief, RunsView, RunView } from "../contract.ts";
import type { PageDatabase } from "../page-database.ts";

const maxRuns = 200;

type Dead = ReadonlySet<number>;

/** SQL of pipeloom's own; what comes from the address are values. */
type Wanted = {
  readonly where: string;
  readonly values: readonly (string | number)[];
  readonly order?: string;
};

/** `?pipeline=…&status=…&order=failed&before=<id>&limit=…`: newest first, with `order=failed` those that failed before all others. */
export function runsView(database: PageDatabase, { search }: Asked): RunsView {
  // SQLite gives all rows for a negative limit.
  const limit = Number(search.get("limit"));
  const most = isStoredId(limit) ? Math.min(limit, maxRuns) : maxRuns;
  return withDead(database, (dead) => {
    const runs = runsWhere(database.reader, dead, wantedIn(search, dead), most + 1);
    return { runs: runs.slice(0, most), hasMore: runs.length > most };
  });
}

export function runView(database: PageDatabase, { ids }: Asked): RunView {
  return { run: runBrief(database, ids[0] ?? 0) };
}

/** @throws NotFound */
export function runBrief(database: PageDatabase, id: number): RunBrief {
  const [run] = withDead(database, (dead) => briefsOf(database, [id], dead));
  if (run === undefined) throw new NotFound(`the database has no run ${id}`);
  return run;
}

/** What was told of each run: its state as text, and whether it could go on by itself. The one that was told last is the last one. */
export type KnownRuns = Map<number, { readonly state: string; readonly isOpen: boolean }>;

/**
 * The runs that have changed. None where nothing has run yet.
 * @throws ReaderError where the database cannot be read
 */
export function runsToWatch(database: PageDatabase, known: KnownRuns): RunBrief[] {
  try {
    return changedRuns(database, known);
  } catch (thrown) {
    if (thrown instanceof ReaderError && thrown.code === "no-tables") return [];
    throw thrown;
  }
}

/** Of so many runs, the newest ones and those that were told last, each change is told. */
const watched = 50;

/** The runs that have changed since `known`. A run that is continued may be old, and its session shorter than the time between two looks. */
function changedRuns(database: PageDatabase, known: KnownRuns): RunBrief[] {
  const newest = `id > (SELECT coalesce(max(id), 0) - ${watched} FROM pipeline_runs)`;
  const open = [...known].flatMap(([id, { isOpen }]) => (isOpen ? [id] : []));
  const told = JSON.stringify([...open, ...[...known.keys()].slice(-watched)]);
  const where = `status = 'running' OR ${newest} OR id IN (SELECT value FROM json_each(?))`;
  return withDead(database, (dead) =>
    runsWhere(database.reader, dead, { where, values: [told] }, maxRuns),
  ).filter((run) => {
    const state = JSON.stringify(run);
    if (known.get(run.id)?.state === state) return false;
    known.delete(run.id);
    known.set(run.id, { state, isOpen: run.status === "running" });
    return true;
  });
}

function wantedIn(search: URLSearchParams, dead: Dead): Wanted {
  const where = ["TRUE"];
  const values: string[] = [];
  const isDead = `id IN (${[...dead].join(", ")})`;
  const pipeline = search.get("pipeline");
  if (pipeline !== null) {
    where.push("pipeline = ?");
    values.push(pipeline);
  }
  const status = search.get("status");
  if (status === "interrupted") where.push(isDead);
  else if (status === "running") where.push(`status = 'running' AND NOT ${isDead}`);
  else if (status !== null) {
    where.push("status = ?");
    values.push(status);
  }
  const isFailedFirst = search.get("order") === "failed";
  const rank = `(CASE WHEN status = 'error' OR ${isDead} THEN 1 ELSE 0 END)`;
  const before = Number(search.get("before") ?? "");
  if (isStoredId(before)) {
    where.push(
      isFailedFirst
        ? `(${rank}, id) < ((SELECT ${rank} FROM pipeline_runs WHERE id = ${before}), ${before})`
        : `id < ${before}`,
    );
  }
  return {
    where: where.join(" AND "),
    values,
    ...(isFailedFirst ? { order: `${rank} DESC,` } : {}),
  };
}

/** The answer for one state of the file. @param read is given the runs whose rows say `running` and that are not alive */
export function withDead<Result>(
  { reader, isAlive }: PageDatabase,
  read: (dead: Dead) => Result,
): Result {
  checkTables(reader);
  // Before the rows: see `overview`.
  const { dead } = runningRuns(reader, isAlive);
  return reader.snapshot(() => read(dead));
}

/** Newest first; those that are there. To be called in `withDead`. */
export const briefsOf = (
  { reader }: PageDatabase,
  ids: readonly number[],
  dead: Dead,
): RunBrief[] =>
  runsWhere(
    reader,
    dead,
    { where: `id IN (${ids.map(() => "?").join(", ")})`, values: ids },
    ids.length,
  );

function runsWhere(
  reader: Reader,
  dead: Dead,
  { where, values, order = "" }: Wanted,
  most: number,
): RunBrief[] {
  const rows: Row[] = reader.query(
    `SELECT * FROM pipeline_runs WHERE ${where} ORDER BY ${order} id DESC LIMIT ?`,
    [...values, most],
  );
  const ids = rows.map((row) => storedRunId(row["id"], reader));
  const counts = countByRun(reader, ids, dead);
  return rows.map((row) => briefOf(seenRun(row, reader, dead, counts)));
}

/** Characters of the params: a list of runs has 200 of them. */
const maxParams = 2_000;

const shortened = (json: string): string =>
  json.length > maxParams ? `${json.slice(0, maxParams)}…` : json;

function briefOf(run: SeenRun): RunBrief {
  const { id, pipeline, file, status, counts, tasksTotal: total, error, trigger } = run;
  const params = shortened(hideSecretsIn(run.params));
  const times = {
    startedAt: timeOf(run.startedAt) ?? 0,
    finishedAt: timeOf(run.finishedAt),
    scheduledFor: timeOf(run.scheduledFor),
  };
  const engine = engineOf(run);
  return { id, pipeline, file, params, status, counts, total, ...times, error, trigger, engine };
}

/** As one of its pipeline's bars. @param row has `id`, `status` and times */
export function barOf(row: Row, dead: Dead, path: Reader): RunBar {
  const id = storedRunId(row["id"], path);
  return {
    id,
    status: dead.has(id) ? "interrupted" : storedRunStatus(row["status"], path),
    startedAt: timeOf(text(row["started_at"])) ?? 0,
    finishedAt: timeOf(text(row["finished_at"])),
  };
}

/** Null for what is no time: users can edit the table. */
const timeOf = (iso: string | null): number | null => {
  const ms = Date.parse(iso ?? "");
  return Number.isNaN(ms) ? null : ms;
};
