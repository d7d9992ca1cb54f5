// Which run this is: a new one, or one that is continued. A run's row and its lock are taken in one transaction, so two
// processes that start at once cannot continue the same run, and nobody sees a `running` row whose lock is not held yet.
//
// `auto` is refused while a run of the same pipeline, file and params is alive. Otherwise it looks at the newest such
// run: if that one is dead, it is continued; if it came to an end (done, error, cancelled), a new run starts, also when
// an older one is dead: whoever started afresh in between has left that one behind. The file counts because two folders
// may each have an "etl" and share a database; a pipeline that was moved is continued with `--resume`, which asks for
// the name alone.

import type { Database } from "bun:sqlite";
import { hostname } from "node:os";

import type { Failure } from "../../base/failure.ts";
import { Date, JSON } from "../../base/globals.ts";
import { type RunId, runId, taskId } from "../../protocol/ids.ts";
import type { RestoredTask, RunRequest, WriterOptions } from "../../protocol/messages.ts";
import { toIso } from "../../base/iso-time.ts";
import { isRunAlive, RunAliveError } from "../liveness.ts";
import { noLock, removeStaleLock, type RunLock, runsWithFiles, tryRunLock } from "../lock.ts";
import { hashParams, isHashOf } from "../params-hash.ts";
import type { Patience } from "../patience.ts";
import { processStartedAt } from "../../base/process-identity.ts";
import { damagedRow, StoreError } from "../store-error.ts";

export type PreparedRun = {
  readonly id: RunId;
  readonly resumed: boolean;
  /** Epoch ms: when its first session began. */
  readonly startedAt: number;
  readonly alreadyDone: number;
  /** It is continued, and its last session ran other code. */
  readonly otherCode: boolean;
  readonly lock: RunLock;
};

type RunRow = {
  readonly id: RunId;
  readonly pipeline: string;
  readonly file: string | null;
  readonly params: string;
  readonly status: string;
  readonly startedAt: string;
  readonly pid: number | null;
  readonly host: string | null;
  /** The rest is null where the row is of version 1. */
  readonly paramsHash: string | null;
  readonly processStartedAt: string | null;
  readonly code: string | null;
};

/**
 * Decides which run this is, writes its row and takes its lock.
 *
 * @throws StoreError `run-alive`, `no-such-run`, `wrong-pipeline`, `other-params`, or `no-history` when a run is asked for
 *   that cannot be continued; nothing is written then
 */
export function prepareRun(
  db: Database,
  options: WriterOptions,
  request: RunRequest,
  now: number,
): PreparedRun {
  if (!options.storeTaskStatus) return withoutHistory(options, request, now);
  let lock: RunLock | undefined;
  // Before the write lock is taken: some systems are slow to say when a process started.
  const session = sessionValues(request);
  const begin = db.transaction(() => {
    const dead = findRun(db, options.db, request);
    const id = dead === undefined ? nextId(db) : dead.id;
    const taken = dead === undefined ? lockNew(options.db, id) : lockOld(options.db, dead);
    lock = taken.lock;
    if (dead === undefined) insertRun(db, taken.id, request.pipeline, session, now);
    else reviveRun(db, taken.id, session);
    endPassedOver(db, options.db, request, taken.id);
    sweepFiles(db, options.db, taken.id);
    return {
      id: taken.id,
      resumed: dead !== undefined,
      startedAt: dead === undefined ? now : startOf(dead, options.db),
      alreadyDone: dead === undefined ? 0 : countDone(db, taken.id),
      otherCode: dead !== undefined && isOtherCode(dead, request),
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

function startOf({ id, startedAt }: RunRow, path: string): number {
  const at = Date.parse(startedAt);
  if (Number.isNaN(at)) throw damagedRow(path, `the start of run ${id}`);
  return at;
}

/**
 * What `prepareRun` would refuse because of a living run, seen through a read-only connection. Whoever opens the file to
 * write and closes it again could remove the -wal under that run, if the run has lost its locks.
 *
 * @param db of any version; a file without pipeloom's tables has no runs
 * @throws RunAliveError
 */
export function refuseIfAlive(db: Database, options: WriterOptions, request: RunRequest): void {
  if (!options.storeTaskStatus || !hasRuns(db)) return;
  findRun(db, options.db, request);
}

function hasRuns(db: Database): boolean {
  using table = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'pipeline_runs'");
  return table.get() !== null;
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
  return {
    id: runId(1),
    resumed: false,
    startedAt,
    alreadyDone: 0,
    otherCode: false,
    lock: noLock,
  };
}

// ── which run ──────────────────────────────────────────────────────────────────────────────────────────

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

/** Every column, for a file of an older version has fewer and is read before it is migrated. */
function* runRows(
  db: Database,
  where: string,
  ...values: readonly (string | number | null)[]
): Generator<RunRow> {
  using rows = db.prepare<Record<string, unknown>, (string | number | null)[]>(
    `SELECT * FROM pipeline_runs WHERE ${where} ORDER BY id DESC`,
  );
  for (const row of rows.iterate(...values)) yield runRow(row);
}

const text = (value: unknown): string | null => (typeof value === "string" ? value : null);

const runRow = (row: Record<string, unknown>): RunRow => ({
  id: runId(Number(row["id"])),
  pipeline: String(row["pipeline"]),
  file: text(row["file"]),
  params: String(row["params"]),
  status: String(row["status"]),
  startedAt: String(row["started_at"]),
  pid: typeof row["pid"] === "number" ? row["pid"] : null,
  host: text(row["host"]),
  paramsHash: text(row["params_hash"]),
  processStartedAt: text(row["process_started_at"]),
  code: text(row["code"]),
});

/** What stands in version 1 for a secret: two of them cannot be told apart. */
const masked = "***";

function hasSameParams(run: RunRow, { params, canonicalParams }: RunRequest): boolean {
  if (run.paramsHash !== null) return isHashOf(run.paramsHash, canonicalParams);
  return run.params === params && !params.includes(masked);
}

const isOtherCode = (run: RunRow, { code }: RunRequest): boolean =>
  run.code !== null && code !== null && run.code !== code;

function deadRun(db: Database, path: string, request: RunRequest): RunRow | undefined {
  let newest: RunRow | undefined;
  for (const run of runRows(db, "pipeline = ? AND file IS ?", request.pipeline, request.file)) {
    if (newest !== undefined && run.status !== "running") continue;
    if (!hasSameParams(run, request)) continue;
    newest ??= run;
    if (run.status === "running" && isRunAlive(path, run)) throw new RunAliveError(path, run);
  }
  return newest?.status === "running" ? newest : undefined;
}

/** Of those with the same params; where there is none, the newest with others is refused by its params. */
function lastUndone(db: Database, path: string, request: RunRequest): RunRow {
  let other: RunRow | undefined;
  for (const run of runRows(db, "pipeline = ? AND status <> 'done'", request.pipeline)) {
    if (mayContinue(run, request)) return refuseAlive(path, run);
    if (run.status !== "running" || !isRunAlive(path, run)) other ??= run;
  }
  if (other !== undefined) throw otherParams(path, other, request);
  throw new StoreError(
    "no-such-run",
    `${path} has no run of "${request.pipeline}" that could be continued; leave out --resume to start one`,
  );
}

function exactly(db: Database, path: string, request: RunRequest, id: RunId): RunRow {
  const [run] = runRows(db, "id = ?", id);
  if (run === undefined) {
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
  if (!mayContinue(run, request)) throw otherParams(path, run, request);
  return refuseAlive(path, run);
}

function refuseAlive(path: string, run: RunRow): RunRow {
  if (run.status === "running" && isRunAlive(path, run)) throw new RunAliveError(path, run);
  return run;
}

/**
 * Its tasks that are done have used its params: with others, one run would be of two. A row of version 1 hides its
 * secrets for good, and who asks for it by `--resume` means it.
 */
const mayContinue = (run: RunRow, request: RunRequest): boolean =>
  hasSameParams(run, request) || (run.paramsHash === null && run.params === request.params);

function otherParams(path: string, run: RunRow, request: RunRequest): StoreError {
  const differ =
    run.params === request.params
      ? `${run.params} too, and they differ in a secret`
      : `the params ${request.params}`;
  return new StoreError(
    "other-params",
    `run ${run.id} in ${path} has the params ${run.params}, and this one has ${differ}; ` +
      "give it the same with --param or --params, or leave out --resume to start another run",
  );
}

// ── its lock ───────────────────────────────────────────────────────────────────────────────────────────

type Taken = { readonly id: RunId; readonly lock: RunLock };

function lockOld(path: string, run: RunRow): Taken {
  const lock = tryRunLock(path, run.id);
  if (lock === undefined) throw new RunAliveError(path, run);
  return { id: run.id, lock };
}

/** A lock may be held by a run whose database was deleted under it: its id is passed over. */
function lockNew(path: string, first: RunId): Taken {
  for (let id = first; ; id = runId(id + 1)) {
    const lock = tryRunLock(path, id);
    if (lock !== undefined) return { id, lock };
  }
}

/**
 * Of dead runs that nobody continued, and of those that were killed when their end was in the file already. Locks are
 * taken in a write transaction only, so none is taken meanwhile.
 */
function sweepFiles(db: Database, path: string, own: RunId): void {
  for (const id of runsWithFiles(path)) {
    if (id === own) continue;
    const [running] = runRows(db, "id = ? AND status = 'running'", id);
    if (running === undefined || !isRunAlive(path, running)) removeStaleLock(path, id);
  }
}

/** Another run of this file is going on. */
export function hasOtherLiveRuns(db: Database, path: string, own: RunId): boolean {
  for (const run of runRows(db, "status = 'running' AND id <> ?", own)) {
    if (isRunAlive(path, run)) return true;
  }
  return false;
}

// ── its row ────────────────────────────────────────────────────────────────────────────────────────────

function nextId(db: Database): RunId {
  using max = db.prepare<{ id: number }, []>(
    "SELECT COALESCE(MAX(id), 0) + 1 AS id FROM pipeline_runs",
  );
  return runId(max.get()?.id ?? 1);
}

function insertRun(
  db: Database,
  id: RunId,
  pipeline: string,
  session: SessionValues,
  now: number,
): void {
  db.run(
    `INSERT INTO pipeline_runs (id, pipeline, status, started_at, ${sessionColumns.join(", ")})
      VALUES (?, ?, 'running', ?, ${sessionColumns.map(() => "?").join(", ")})`,
    [id, pipeline, toIso(now), ...session],
  );
}

/** What each session of a run says anew. */
const sessionColumns = [
  "file",
  "params",
  "params_hash",
  "code",
  "pid",
  "host",
  "process_started_at",
] as const;

type SessionValues = readonly (string | number | null)[];

const sessionValues = ({ file, params, canonicalParams, code }: RunRequest): SessionValues => [
  file,
  params,
  hashParams(canonicalParams),
  code,
  process.pid,
  hostname(),
  processStartedAt(process.pid) ?? null,
];

/**
 * What the earlier session left open waits again. What it had in hand when it died was interrupted, not failed, and
 * loses no attempt; what was cancelled gets its attempts anew. What failed keeps its row: main knows whether it is
 * optional, and is not tried again. What it had not begun is planned anew, under
 * new ids, and whether it is skipped is decided anew. A task with a cursor had begun, if not in the last session: it
 * keeps its id and its cursor also if that session did not plan it, or its committed rows would be written twice.
 */
function reviveRun(db: Database, id: RunId, session: SessionValues): void {
  const columns = sessionColumns.map((column) => `${column} = ?`).join(", ");
  db.run(
    `UPDATE pipeline_runs SET status = 'running', finished_at = NULL, error = NULL, ${columns} WHERE id = ?`,
    [...session, id],
  );
  db.run(
    "DELETE FROM task_runs WHERE run_id = ? AND cursor IS NULL AND (status = 'skipped' OR (status = 'queued' AND attempt = 0))",
    [id],
  );
  db.run(
    `UPDATE task_runs SET status = 'queued', finished_at = NULL,
      attempt = CASE status WHEN 'queued' THEN attempt WHEN 'running' THEN max(attempt - 1, 0) ELSE 0 END
      WHERE run_id = ? AND status NOT IN ('done', 'error')`,
    [id],
  );
}

/** What dead runs of the same pipeline, file and params are now: only `--resume` with their id continues them. */
function endPassedOver(db: Database, path: string, request: RunRequest, own: RunId): void {
  const where = "status = 'running' AND id < ? AND pipeline = ? AND file IS ?";
  const older = Array.from(runRows(db, where, own, request.pipeline, request.file));
  for (const run of older) {
    if (!hasSameParams(run, request) || isRunAlive(path, run)) continue;
    const message = `its process ended before it did, and run ${own} took its place`;
    const error = JSON.stringify({ name: "Interrupted", message } satisfies Failure);
    // When it ended nobody knows.
    const values = [error, run.id];
    db.run("UPDATE pipeline_runs SET status = 'cancelled', error = ? WHERE id = ?", values);
    db.run(
      "UPDATE task_runs SET status = 'cancelled', error = ? WHERE run_id = ? AND status = 'running'",
      values,
    );
  }
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
  readonly isStored: number;
  readonly name: string | null;
  readonly cursor: string | null;
};

/** Longer ones stay in the file until main asks for them (stored-results.ts): 2,000 of 1 MB would not fit into memory. */
const maxKnownResultBytes = 1024;

/** A longer failure is cut to what is shown of it; its row has the whole. Empty where there is no failure to be read. */
const failureSql =
  "CASE WHEN json_valid(error) THEN CASE WHEN json_type(error, '$.name') IS NOT 'text' OR " +
  "json_type(error, '$.message') IS NOT 'text' THEN '' " +
  `WHEN octet_length(error) <= ${maxKnownResultBytes} THEN error ` +
  "ELSE json_object('name', error ->> 'name', 'message', substr(error ->> 'message', 1, 1000)) END ELSE '' END";

/** By key, so that no statement stays open between pages and a page is all that is in memory at once. */
const pageSql =
  "SELECT id, key, status, attempt, cursor, CASE WHEN status <> 'done' THEN name END AS name, " +
  `status = 'done' AND octet_length(result) > ${maxKnownResultBytes} AS isStored, ` +
  `CASE WHEN status = 'error' THEN ${failureSql} ` +
  `WHEN status = 'done' AND octet_length(result) <= ${maxKnownResultBytes} THEN result END AS result ` +
  "FROM task_runs WHERE run_id = ? AND id > ? ORDER BY id LIMIT ?";

const knownStatuses: { readonly [status: string]: RestoredTask["status"] } = {
  done: "done",
  error: "failed",
};

/**
 * What the earlier sessions of a run left, in the order of their ids, a page at a time. To be read before the run's first
 * write; whoever keeps all of a million-task run should keep less than these objects.
 */
export function* restoredTasks(
  db: Database,
  run: RunId,
  patience: Patience,
  pageSize = 5_000,
): Generator<readonly RestoredTask[]> {
  using page = db.prepare<TaskRow, [number, number, number]>(pageSql);
  for (let last = 0; ;) {
    const from = last;
    const rows = patience.run(() => page.all(run, from, pageSize));
    if (rows.length > 0) yield rows.map(knownTask);
    if (rows.length < pageSize) return;
    last = rows.at(-1)?.id ?? last;
  }
}

const knownTask = (row: TaskRow): RestoredTask => ({
  id: taskId(row.id),
  key: row.key,
  status: knownStatuses[row.status] ?? "open",
  attempt: row.attempt,
  result: row.result,
  cursor: row.cursor,
  ...(row.isStored === 1 ? { isStored: true } : undefined),
  ...(row.name === null ? undefined : { name: row.name }),
});
