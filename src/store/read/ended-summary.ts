// The summary of a run that ended in another process, from its rows: for a run that waited for that one (`--wait`).

import { Database } from "bun:sqlite";

import { Date } from "../../base/globals.ts";
import { parseFailure } from "../../base/stored-failure.ts";
import type { RunId } from "../../protocol/ids.ts";
import { type RunStatus, runStatuses, type TaskStatus } from "../../protocol/status.ts";
import {
  type DefinitionTime,
  maxDefinitionTimes,
  type RunSummary,
  type SessionCosts,
} from "../../protocol/summary.ts";
import { busyTimeoutMs } from "../busy-handler.ts";
import { ofRun } from "../own-tables.ts";
import { sqliteCode } from "../sqlite-error.ts";

type Ended = {
  readonly pipeline: string;
  readonly file: string | null;
  readonly status: string;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly error: string | null;
};

/** Undefined if the run died: its row says `running` or is gone, or its last transaction is still to be rolled back. */
export function endedSummary(path: string, run: RunId): RunSummary | undefined {
  try {
    return readSummary(path, run);
  } catch (thrown) {
    if (sqliteCode(thrown) === "SQLITE_READONLY_ROLLBACK") return undefined;
    throw thrown;
  }
}

function readSummary(path: string, run: RunId): RunSummary | undefined {
  using db = new Database(path, { readonly: true });
  db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  using rows = db.prepare<Ended, [number]>(
    "SELECT pipeline, file, status, started_at, finished_at, error FROM pipeline_runs WHERE id = ?",
  );
  const ended = rows.get(run);
  if (ended === null || ended.finished_at === null || !isEnd(ended.status)) return undefined;
  const counts = countTasks(db, run);
  const count = (status: TaskStatus): number => counts.get(status) ?? 0;
  return {
    run,
    pipeline: ended.pipeline,
    file: ended.file,
    db: path,
    status: ended.status,
    failure: ended.error === null ? null : parseFailure(ended.error),
    total: [...counts.values()].reduce((sum, each) => sum + each, 0),
    done: count("done"),
    failed: count("error"),
    cancelled: count("cancelled"),
    skipped: count("skipped"),
    queued: count("queued"),
    interrupted: 0,
    retries: countRetries(db, run),
    alreadyDone: 0,
    reused: countReused(db, run),
    startedAt: Date.parse(ended.started_at),
    finishedAt: Date.parse(ended.finished_at),
    failures: [],
    failureGroups: [],
    rerun: null,
    slowest: [],
    ...costsOf(db, run),
  };
}

function costsOf(db: Database, run: RunId): SessionCosts {
  using times = db.prepare<DefinitionTime, [number]>(
    `SELECT task, tasks, total_ms AS totalMs FROM pipeloom_durations
      WHERE run_id = ? ORDER BY total_ms DESC LIMIT ${maxDefinitionTimes}`,
  );
  using sums = db.prepare<{ rows: number | null; cpuMs: number | null }, [number]>(
    `SELECT SUM(rows) AS rows, SUM(cpu_ms) AS cpuMs FROM task_runs WHERE ${ofRun("?1")}`,
  );
  const { rows, cpuMs } = sums.get(run) ?? { rows: null, cpuMs: null };
  const definitions = times.all(run);
  return {
    ...(definitions.length === 0 ? {} : { definitions }),
    rows: rows ?? 0,
    cpuMs: cpuMs ?? 0,
  };
}

const isEnd = (status: string): status is Exclude<RunStatus, "running"> =>
  status !== "running" && runStatuses.some((known) => known === status);

function countTasks(db: Database, run: RunId): ReadonlyMap<string, number> {
  using rows = db.prepare<{ status: string; count: number }, [number]>(
    `SELECT status, COUNT(*) AS count FROM task_runs WHERE ${ofRun("?1")} GROUP BY status`,
  );
  return new Map(rows.all(run).map(({ status, count }) => [status, count]));
}

function countReused(db: Database, run: RunId): number {
  using rows = db.prepare<{ reused: number }, [number]>(
    "SELECT COUNT(*) AS reused FROM pipeloom_reusable WHERE run_id = ? AND from_run IS NOT NULL",
  );
  return rows.get(run)?.reused ?? 0;
}

function countRetries(db: Database, run: RunId): number {
  using rows = db.prepare<{ retries: number }, [number]>(
    `SELECT coalesce(SUM(attempt - 1), 0) AS retries FROM task_runs WHERE ${ofRun("?1")} AND attempt > 1`,
  );
  return rows.get(run)?.retries ?? 0;
}
