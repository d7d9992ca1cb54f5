// Writes the row of a run when a session begins: a new row, or an earlier session's row and tasks made ready to continue.

import type { Database } from "bun:sqlite";
import { hostname } from "node:os";

import type { Failure } from "../../base/failure.ts";
import { JSON } from "../../base/globals.ts";
import { toIso } from "../../base/iso-time.ts";
import { processStartedAt } from "../../base/process-identity.ts";
import { maxStoredId, type RunId, runId } from "../../protocol/ids.ts";
import type { RunRequest } from "../../protocol/run-request.ts";
import type { RunSlot } from "../../protocol/schedule-rule.ts";
import { isRunAlive } from "../liveness.ts";
import { onlyRow } from "../only-row.ts";
import { keyedHash } from "../../base/keyed-hash.ts";
import { reviveLeft } from "../left-rows.ts";
import { ofRun } from "../own-tables.ts";
import { keepInterrupted } from "./attempt-rows.ts";
import { hasSameParams, runRows } from "../read/run-rows.ts";

/** Columns that each session of a run writes. */
const sessionColumns = [
  "file",
  "params",
  "params_hash",
  "code",
  "pid",
  "host",
  "process_started_at",
  "trigger",
  "version",
  "engine",
] as const;

/** In the order of `sessionColumns`. */
type SessionValues = readonly (string | number | null)[];

export const sessionValues = ({
  file,
  params,
  canonicalParams,
  code,
  trigger,
  version,
  engine,
}: RunRequest): SessionValues => [
  file,
  params,
  keyedHash(canonicalParams),
  code,
  process.pid,
  hostname(),
  processStartedAt(process.pid) ?? null,
  trigger,
  version,
  engine,
];

export function nextRunId(db: Database): RunId {
  using max = db.prepare<{ id: number }, []>(
    `SELECT COALESCE(MAX(id), 0) + 1 AS id FROM pipeline_runs WHERE id BETWEEN 1 AND ${maxStoredId}`,
  );
  return runId(onlyRow(max.get()).id);
}

type NewRun = {
  readonly id: RunId;
  readonly pipeline: string;
  readonly slot: RunSlot | undefined;
  /** Epoch ms. */
  readonly now: number;
};

export function insertRun(
  db: Database,
  { id, pipeline, slot, now }: NewRun,
  session: SessionValues,
): void {
  db.run(
    `INSERT INTO pipeline_runs (id, pipeline, status, started_at, scheduled_for, previous_slot, ${sessionColumns.join(", ")})
      VALUES (?, ?, 'running', ?, ?, ?, ${sessionColumns.map(() => "?").join(", ")})`,
    [id, pipeline, toIso(now), slot?.scheduledFor ?? null, slot?.previous ?? null, ...session],
  );
}

/**
 * Makes a dead run's tasks ready to continue:
 * - Done tasks that the last session did not plan are done again until `forgetLeft`: see left-rows.ts.
 * - Done and failed tasks keep their rows. Main knows whether a failed task is optional and is not tried again.
 * - A task that was running was interrupted, not failed: it is queued again, and the attempt does not count. Its row is now
 *   about the next attempt, so this one goes to task_attempts.
 * - A cancelled task is queued again with all its attempts.
 * - A task that never began in any session is deleted. It is planned again under a new id, and whether it is skipped is
 *   decided again.
 * - A task that has begun keeps its id, also if the last session did not plan it or dropped its checkpoint with its code:
 *   what it has committed is in the file under this id. With its cursor it goes on there.
 */
export function reviveRun(db: Database, id: RunId, session: SessionValues): void {
  const columns = sessionColumns.map((column) => `${column} = ?`).join(", ");
  db.run(
    `UPDATE pipeline_runs SET status = 'running', finished_at = NULL, error = NULL, counts = NULL, ${columns} WHERE id = ?`,
    [...session, id],
  );
  reviveLeft(db, id);
  keepInterrupted(db, id);
  db.run(
    `DELETE FROM task_runs WHERE ${ofRun("?1")} AND started_at IS NULL AND cursor IS NULL AND fingerprint IS NULL AND (status = 'skipped' OR (status = 'queued' AND attempt = 0))`,
    [id],
  );
  db.run(
    `UPDATE task_runs SET status = 'queued', finished_at = NULL,
      attempt = CASE status WHEN 'queued' THEN attempt WHEN 'running' THEN max(attempt - 1, 0) ELSE 0 END
      WHERE ${ofRun("?1")} AND status IN ('queued', 'running', 'cancelled', 'skipped')`,
    [id],
  );
}

/**
 * Cancels older dead runs of the same pipeline, file and params. From now on only `--resume <id>` continues them. No other run
 * takes the place of a slot's.
 */
export function endSuperseded(db: Database, path: string, request: RunRequest, own: RunId): void {
  const where = "status = 'running' AND id < ? AND pipeline = ? AND file IS ?";
  const older = Array.from(runRows(db, where, own, request.pipeline, request.file));
  for (const run of older) {
    if (run.scheduledFor !== null || !hasSameParams(run, request) || isRunAlive(path, run))
      continue;
    const message = `its process ended before it did, and run ${own} took its place`;
    const error = JSON.stringify({ name: "Interrupted", message } satisfies Failure);
    // `finished_at` stays NULL: the time is unknown.
    const values = [error, run.id];
    db.run(
      "UPDATE pipeline_runs SET status = 'cancelled', error = ?, counts = NULL WHERE id = ?",
      values,
    );
    db.run(
      `UPDATE task_runs SET status = 'cancelled', error = ?1 WHERE ${ofRun("?2")} AND status = 'running'`,
      values,
    );
  }
}
