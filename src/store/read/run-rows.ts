// Reads rows of `pipeline_runs`, of any version, and compares them with a request.

import type { Database } from "bun:sqlite";

import { maxStoredId, type RunId, runId } from "../../protocol/ids.ts";
import type { RunRequest } from "../../protocol/run-request.ts";
import { isRunAlive } from "../liveness.ts";
import { isHashOf } from "../../base/keyed-hash.ts";

export type RunRow = {
  readonly id: RunId;
  readonly pipeline: string;
  readonly file: string | null;
  /** JSON text, with secrets masked. */
  readonly params: string;
  readonly status: string;
  readonly startedAt: string;
  readonly pid: number | null;
  readonly host: string | null;
  /** This and the following columns are null in a row of version 1. */
  readonly paramsHash: string | null;
  readonly processStartedAt: string | null;
  readonly code: string | null;
  /** Null also in a row of an earlier version. */
  readonly scheduledFor: string | null;
  readonly previousSlot: string | null;
};

const isOurs = `id BETWEEN 1 AND ${maxStoredId}`;

/**
 * Newest first. Selects `*`, because a file of an older version is read before it is migrated and has fewer columns. Leaves
 * out ids that no run can have: see `hasLostRun`.
 */
export function* runRows(
  db: Database,
  where: string,
  ...values: readonly (string | number | null)[]
): Generator<RunRow> {
  using rows = db.prepare<Record<string, unknown>, (string | number | null)[]>(
    `SELECT * FROM pipeline_runs WHERE ${isOurs} AND (${where}) ORDER BY id DESC`,
  );
  for (const row of rows.iterate(...values)) yield runRow(row);
}

/** Whether a run of the pipeline has an id that pipeloom never gives. Its tasks cannot be found. */
export function hasLostRun(db: Database, pipeline: string): boolean {
  using rows = db.prepare<unknown, [string]>(
    `SELECT 1 FROM pipeline_runs WHERE pipeline = ? AND NOT (${isOurs}) LIMIT 1`,
  );
  return rows.get(pipeline) !== null;
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
  scheduledFor: text(row["scheduled_for"]),
  previousSlot: text(row["previous_slot"]),
});

/** Version 1 has only this mask in place of a secret: it cannot tell two secrets apart. */
const masked = "***";

export function hasSameParams(run: RunRow, { params, canonicalParams }: RunRequest): boolean {
  if (run.paramsHash !== null) return isHashOf(run.paramsHash, canonicalParams);
  return run.params === params && !params.includes(masked);
}

/**
 * Whether `--resume` may continue the run. Its done tasks have used its params: with other params, one run would mix two.
 * A row of version 1 hides its secrets for good; who asks for that run by `--resume` means it.
 */
export const mayContinue = (run: RunRow, request: RunRequest): boolean =>
  hasSameParams(run, request) || (run.paramsHash === null && run.params === request.params);

export const isOtherCode = (run: RunRow, { code }: RunRequest): boolean =>
  run.code !== null && code !== null && run.code !== code;

export function hasOtherLiveRuns(db: Database, path: string, own: RunId): boolean {
  for (const run of runRows(db, "status = 'running' AND id <> ?", own)) {
    if (isRunAlive(path, run)) return true;
  }
  return false;
}
