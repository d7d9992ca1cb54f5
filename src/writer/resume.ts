// Which run this is: a new one, or one that is continued. A run's row and its lock are taken in one transaction, so two
// processes that start at once cannot continue the same run, and nobody sees a `running` row whose lock is not held yet.
//
// `auto` looks at the newest run of the same pipeline, file and params that is not alive. If that one is dead, it is
// continued; if it came to an end (done, error, cancelled), a new run starts, also when an older one is dead: whoever
// started afresh in between has left that one behind. The file counts because two folders may each have an "etl" and
// share a database; a pipeline that was moved is continued with `--resume`, which asks for the name alone.

import type { Database } from "bun:sqlite";
import { hostname } from "node:os";

import { type RunId, runId, taskId } from "../protocol/ids.ts";
import type { KnownTask, RunRequest, WriterOptions } from "../protocol/messages.ts";
import { toIso } from "../protocol/time.ts";
import { isRunAlive, noLock, removeStaleLock, type RunLock, tryRunLock } from "./lock.ts";
import { StoreError } from "./store-error.ts";

export type PreparedRun = {
  readonly id: RunId;
  readonly resumed: boolean;
  /** Epoch ms: when its first session began. */
  readonly startedAt: number;
  readonly alreadyDone: number;
  readonly lock: RunLock;
};

type RunRow = {
  readonly id: number;
  readonly pipeline: string;
  readonly file: string | null;
  readonly params: string;
  readonly status: string;
  readonly started_at: string;
  readonly pid: number | null;
};

/**
 * Decides which run this is, writes its row and takes its lock.
 *
 * @throws StoreError `run-alive`, `no-such-run`, `wrong-pipeline`, or `no-history` when a run is asked for that cannot be
 *   continued; nothing is written then
 */
export function prepareRun(
  db: Database,
  options: WriterOptions,
  request: RunRequest,
  now: number,
): PreparedRun {
  if (!options.storeTaskStatus) return withoutHistory(options, request, now);
  let lock: RunLock | undefined;
  const begin = db.transaction(() => {
    const dead = findRun(db, options.db, request);
    const id = dead === undefined ? nextId(db) : runId(dead.id);
    const taken = dead === undefined ? lockNew(options.db, id) : lockOld(options.db, dead);
    lock = taken.lock;
    if (dead === undefined) insertRun(db, taken.id, request, now);
    else reviveRun(db, taken.id, request);
    sweepLocks(db, options.db, taken.id);
    return {
      id: taken.id,
      resumed: dead !== undefined,
      startedAt: dead === undefined ? now : Date.parse(dead.started_at),
      alreadyDone: dead === undefined ? 0 : countDone(db, taken.id),
      lock: taken.lock,
    };
  });
  try {
    return begin.immediate();
  } catch (thrown) {
    lock?.release();
    throw thrown;
  }
}

/** The file knows of no runs, so there is none to continue, and none that another process could take for dead. */
function withoutHistory(
  options: WriterOptions,
  { resume }: RunRequest,
  startedAt: number,
): PreparedRun {
  if (resume !== "auto" && resume !== "fresh") {
    throw new StoreError(
      "no-history",
      `${options.db}: without stored task status no run can be continued; leave out --resume or --no-store-task-status`,
    );
  }
  return { id: runId(1), resumed: false, startedAt, alreadyDone: 0, lock: noLock };
}

// ── which run ──────────────────────────────────────────────────────────────────────────────────────────

const runColumns = "id, pipeline, file, params, status, started_at, pid";

function findRun(db: Database, path: string, request: RunRequest): RunRow | undefined {
  switch (request.resume) {
    case "fresh":
      return undefined;
    case "auto":
      return deadRun(db, path, request);
    case "last":
      return lastUndone(db, path, request);
    default:
      return exactly(db, path, request, request.resume);
  }
}

function deadRun(db: Database, path: string, request: RunRequest): RunRow | undefined {
  using runs = db.prepare<RunRow, [string, string | null, string]>(
    `SELECT ${runColumns} FROM pipeline_runs WHERE pipeline = ? AND file IS ? AND params = ? ORDER BY id DESC`,
  );
  for (const run of runs.iterate(request.pipeline, request.file, request.params)) {
    if (run.status !== "running") return undefined;
    if (!isRunAlive(path, runId(run.id))) return run;
  }
  return undefined;
}

function lastUndone(db: Database, path: string, request: RunRequest): RunRow {
  using runs = db.prepare<RunRow, [string]>(
    `SELECT ${runColumns} FROM pipeline_runs WHERE pipeline = ? AND status <> 'done' ORDER BY id DESC`,
  );
  for (const run of runs.iterate(request.pipeline)) {
    if (!isRunAlive(path, runId(run.id))) return run;
  }
  throw new StoreError(
    "no-such-run",
    `${path} has no run of "${request.pipeline}" that could be continued; leave out --resume to start one`,
  );
}

function exactly(db: Database, path: string, request: RunRequest, id: RunId): RunRow {
  using rows = db.prepare<RunRow, [number]>(`SELECT ${runColumns} FROM pipeline_runs WHERE id = ?`);
  const run = rows.get(id);
  if (run === null) {
    throw new StoreError(
      "no-such-run",
      `${path} has no run ${id}; pipeloom status --db ${path} lists those it has`,
    );
  }
  if (run.pipeline !== request.pipeline) {
    throw new StoreError(
      "wrong-pipeline",
      `run ${id} in ${path} is of the pipeline "${run.pipeline}", not of "${request.pipeline}"; ` +
        `pipeloom status --db ${path} lists its runs`,
    );
  }
  return run;
}

// ── its lock ───────────────────────────────────────────────────────────────────────────────────────────

type Taken = { readonly id: RunId; readonly lock: RunLock };

function lockOld(path: string, run: RunRow): Taken {
  const id = runId(run.id);
  const lock = tryRunLock(path, id);
  if (lock !== undefined) return { id, lock };
  const pid = run.pid === null ? "" : ` (pid ${run.pid})`;
  throw new StoreError(
    "run-alive",
    `run ${id} in ${path} is still running${pid}; wait for it, stop it, or leave out --resume to start another`,
  );
}

/** A lock may be held by a run whose database was deleted under it: its id is passed over. */
function lockNew(path: string, first: RunId): Taken {
  for (let id = first; ; id = runId(id + 1)) {
    const lock = tryRunLock(path, id);
    if (lock !== undefined) return { id, lock };
  }
}

/** Of dead runs that nobody continued. Locks are taken in a write transaction only, so none is taken meanwhile. */
function sweepLocks(db: Database, path: string, own: RunId): void {
  using rows = db.prepare<{ id: number }, [number]>(
    "SELECT id FROM pipeline_runs WHERE status = 'running' AND id <> ?",
  );
  for (const { id } of rows.all(own)) removeStaleLock(path, runId(id));
}

// ── its row ────────────────────────────────────────────────────────────────────────────────────────────

function nextId(db: Database): RunId {
  using max = db.prepare<{ id: number }, []>(
    "SELECT COALESCE(MAX(id), 0) + 1 AS id FROM pipeline_runs",
  );
  return runId(max.get()?.id ?? 1);
}

function insertRun(db: Database, id: RunId, request: RunRequest, now: number): void {
  db.run(
    "INSERT INTO pipeline_runs (id, pipeline, file, params, status, started_at, pid, host) VALUES (?, ?, ?, ?, 'running', ?, ?, ?)",
    [id, request.pipeline, request.file, request.params, toIso(now), process.pid, hostname()],
  );
}

/**
 * What the earlier session left open waits again. What it had in hand when it died was interrupted, not failed, and
 * loses no attempt; what failed or was cancelled gets its attempts anew. What it had not begun is planned anew, under
 * new ids, and whether it is skipped is decided anew. A cursor says that it had begun, if not in the last session.
 */
function reviveRun(db: Database, id: RunId, request: RunRequest): void {
  db.run(
    "UPDATE pipeline_runs SET status = 'running', file = ?, params = ?, pid = ?, host = ?, finished_at = NULL, error = NULL WHERE id = ?",
    [request.file, request.params, process.pid, hostname(), id],
  );
  db.run(
    "DELETE FROM task_runs WHERE run_id = ? AND (status = 'skipped' OR (status = 'queued' AND attempt = 0 AND cursor IS NULL))",
    [id],
  );
  db.run(
    `UPDATE task_runs SET status = 'queued', finished_at = NULL,
      attempt = CASE status WHEN 'queued' THEN attempt WHEN 'running' THEN max(attempt - 1, 0) ELSE 0 END
      WHERE run_id = ? AND status <> 'done'`,
    [id],
  );
}

function countDone(db: Database, id: RunId): number {
  using count = db.prepare<{ n: number }, [number]>(
    "SELECT COUNT(*) AS n FROM task_runs WHERE run_id = ? AND status = 'done'",
  );
  return count.get(id)?.n ?? 0;
}

// ── its tasks ──────────────────────────────────────────────────────────────────────────────────────────

type TaskRow = {
  readonly id: number;
  readonly key: string;
  readonly status: string;
  readonly attempt: number;
  readonly result: string | null;
  readonly cursor: string | null;
};

/** By key, so that no statement stays open between pages and a page is all that is in memory at once. */
const pageSql =
  "SELECT id, key, status, attempt, cursor, CASE status WHEN 'done' THEN result END AS result " +
  "FROM task_runs WHERE run_id = ? AND id > ? ORDER BY id LIMIT ?";

/**
 * What the earlier sessions of a run left, in the order of their ids, a page at a time. To be read before the run's first
 * write; whoever keeps all of a million-task run should keep less than these objects.
 */
export function* knownTasks(
  db: Database,
  run: RunId,
  pageSize = 5_000,
): Generator<readonly KnownTask[]> {
  using page = db.prepare<TaskRow, [number, number, number]>(pageSql);
  for (let last = 0; ;) {
    const rows = page.all(run, last, pageSize);
    if (rows.length > 0) yield rows.map(knownTask);
    if (rows.length < pageSize) return;
    last = rows.at(-1)?.id ?? last;
  }
}

const knownTask = (row: TaskRow): KnownTask => ({
  id: taskId(row.id),
  key: row.key,
  status: row.status === "done" ? "done" : "open",
  attempt: row.attempt,
  result: row.result,
  cursor: row.cursor,
});
