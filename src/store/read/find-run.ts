// Finds the dead run that a request continues, by `RunRequest.resume`.
//
// `auto` is refused while a run of the same pipeline, file and params is alive. Otherwise the newest such run decides: a
// dead one is continued; after one that ended (done, error, cancelled), a new run starts, even if an older run is dead,
// because that one was left behind when the newer run started. The file counts because two folders may each have an
// "etl" and share a database. `--resume` compares the pipeline's name only, so it continues a pipeline that was moved.
//
// A run for a slot is found by its slot instead (slot-run.ts). Without one, `auto` also continues a dead run of a slot.

import type { Database } from "bun:sqlite";

import { fit } from "../../base/text.ts";
import type { RunId } from "../../protocol/ids.ts";
import { dbFlag, pipeloomCommand } from "../../protocol/pipeloom-command.ts";
import type { PassedOver, RunRequest, WriterOptions } from "../../protocol/run-request.ts";
import { isRunAlive, OverlapError, RunAliveError } from "../liveness.ts";
import { damagedRow, StoreError } from "../store-error.ts";
import { slotRun } from "./slot-run.ts";
import { hasLostRun, hasSameParams, mayContinue, type RunRow, runRows } from "./run-rows.ts";

/** Undefined: a new run starts. */
export function findRun(db: Database, path: string, request: RunRequest): RunRow | undefined {
  const run = foundRun(db, path, request);
  refuseOverlap(db, path, request);
  return run;
}

function foundRun(db: Database, path: string, request: RunRequest): RunRow | undefined {
  if (request.scheduledFor !== null) return slotRun(db, path, request, request.scheduledFor);
  switch (request.resume) {
    case "fresh":
      return undefined;
    case "auto":
      refuseLostRun(db, path, request);
      return deadRun(db, path, request);
    case "last":
      refuseLostRun(db, path, request);
      return lastRun(db, path, request, "AND status <> 'done'", "--resume");
    case "newest":
      refuseLostRun(db, path, request);
      return lastRun(db, path, request, "", "--rerun");
    default:
      return runById(db, path, request, request.resume);
  }
}

function refuseLostRun(db: Database, path: string, { pipeline }: RunRequest): void {
  if (hasLostRun(db, pipeline)) throw damagedRow(path, `the id of a run of "${pipeline}"`);
}

/**
 * Whoever has begun the other run: another serve, a person, a backfill. Serve has asked before it started this process, and decides
 * again what becomes of the slot. The transaction that begins the run asks last, so that no two begin at once.
 * @throws OverlapError
 */
function refuseOverlap(db: Database, path: string, { isAlone, pipeline }: RunRequest): void {
  if (!isAlone) return;
  for (const run of runRows(db, "status = 'running' AND pipeline = ?", pipeline)) {
    if (isRunAlive(path, run)) throw new OverlapError(path, run);
  }
}

/**
 * Throws if `prepareRun` would refuse the request because of a living run. Works on a read-only connection: a writing one
 * could remove the -wal of that run at its close, if the run has lost its locks.
 *
 * @param db of any version; also a file without pipeloom's tables, which has no runs
 * @throws RunAliveError, OverlapError
 */
export function refuseIfAlive(db: Database, options: WriterOptions, request: RunRequest): void {
  if (!options.storeTaskStatus || !hasRunsTable(db)) return;
  findRun(db, options.db, request);
}

function hasRunsTable(db: Database): boolean {
  using table = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'pipeline_runs'");
  return table.get() !== null;
}

/** Columns of params in a message: they may be a list of a million names. */
const maxParams = 300;
const shown = (params: string): string => fit(params, maxParams);

/** The newest earlier run of the pipeline and file, if it was interrupted and is not continued because its params are others. */
export function passedOver(
  db: Database,
  path: string,
  request: RunRequest,
  own: RunId,
): PassedOver | undefined {
  if (request.resume !== "auto" || request.scheduledFor !== null) return undefined;
  const where = "id < ? AND pipeline = ? AND file IS ?";
  for (const run of runRows(db, where, own, request.pipeline, request.file)) {
    const isLeft = run.status === "running" && !hasSameParams(run, request);
    if (!isLeft || isRunAlive(path, run)) return undefined;
    return { run: run.id, params: run.params === request.params ? null : shown(run.params) };
  }
  return undefined;
}

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

/**
 * The newest run with the same params. If there is none, the error names the newest with other params.
 * @param where narrows the choice
 * @param flag asked for it
 */
function lastRun(
  db: Database,
  path: string,
  request: RunRequest,
  where: string,
  flag: string,
): RunRow {
  let other: RunRow | undefined;
  for (const run of runRows(db, `pipeline = ? ${where}`, request.pipeline)) {
    if (mayContinue(run, request)) return refuseAlive(path, run);
    if (run.status !== "running" || !isRunAlive(path, run)) other ??= run;
  }
  if (other !== undefined) throw otherParams(path, other, request);
  throw new StoreError(
    "no-such-run",
    `${path} has no run of "${request.pipeline}" that could be continued; leave out ${flag} to start one`,
  );
}

function runById(db: Database, path: string, request: RunRequest, id: RunId): RunRow {
  const [run] = runRows(db, "id = ?", id);
  if (run === undefined) {
    throw new StoreError(
      "no-such-run",
      `${path} has no run ${id}; ${pipeloomCommand("status", ...dbFlag(path))} lists those it has`,
    );
  }
  if (run.pipeline !== request.pipeline) {
    throw new StoreError(
      "wrong-pipeline",
      `run ${id} in ${path} is of the pipeline "${run.pipeline}", not of "${request.pipeline}"; ` +
        `${pipeloomCommand("status", ...dbFlag(path))} lists its runs`,
    );
  }
  if (!mayContinue(run, request)) throw otherParams(path, run, request);
  return refuseAlive(path, run);
}

function refuseAlive(path: string, run: RunRow): RunRow {
  if (run.status === "running" && isRunAlive(path, run)) throw new RunAliveError(path, run);
  return run;
}

function otherParams(path: string, run: RunRow, request: RunRequest): StoreError {
  const differ =
    run.params === request.params
      ? `${shown(run.params)} too, and they differ in a secret or in --only`
      : `the params ${shown(request.params)}`;
  return new StoreError(
    "other-params",
    `run ${run.id} in ${path} has the params ${shown(run.params)}, and this one has ${differ}; ` +
      "give it the same (--param, --params, or the flags and the input of csv, fetch and download), or leave out --resume and --rerun to start another run",
  );
}
